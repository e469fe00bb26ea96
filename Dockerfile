# Two stages: the first builds the program, the second holds it and nothing that builds.
# The image runs as a user without rights, and only reads its root; /data is for the SQLite store.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# What `duet --version` says it was built from: --build-arg DUET_COMMIT=$(git rev-parse --short=12 HEAD)
ARG DUET_COMMIT
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package duet \
    && cp target/release/duet /usr/local/bin/duet

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin duet \
    && install --directory --owner=duet --group=duet --mode=0700 /data
COPY --from=build /usr/local/bin/duet /usr/local/bin/duet
USER 10001:10001
VOLUME /data
# The default of store.url, sqlite://data/duet.db, is /data/duet.db from here. Set as a variable it would override
# the store of a settings file or DATABASE_URL, and chats would go into a container's file unnoticed.
WORKDIR /
ENV DUET_SERVER__BIND=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s CMD ["duet", "health"]
ENTRYPOINT ["duet"]
CMD ["serve"]
