#!/usr/bin/env bash
# A whole chat with curl: make it, log both people in, send, read, end. Needs bash, curl and sed.
#
#     examples/curl.sh http://127.0.0.1:8080
set -euo pipefail
api="${1:-http://127.0.0.1:8080}/chat-server"

# call PATH BODY [TOKEN]: posts a body and prints the answer; a failure prints the server's sentence.
call() {
    local arguments=(--silent --show-error --header "Content-Type: application/json" --data "$2")
    [ -z "${3:-}" ] || arguments+=(--header "Authorization: Bearer $3")
    local answer
    answer=$(curl "${arguments[@]}" "$api/$1")
    case $answer in
        *'"status":"OK"'*) echo "$answer" ;;
        *) echo "$answer" | field message >&2; return 1 ;;
    esac
}

# field NAME: prints a string field of the answer on standard input.
field() { sed --quiet "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

hash=$(call register '{"userOne":"Abhi","userTwo":"Anny"}' | field hash)
abhi=$(call user/Abhi/login "{\"user\":\"Abhi\",\"hash\":\"$hash\"}" | field token)
anny=$(call user/Anny/login "{\"user\":\"Anny\",\"hash\":\"$hash\"}" | field token)

# The same id again stores nothing twice: send again when an answer was lost.
id=$(cat /proc/sys/kernel/random/uuid)
for _ in 1 2; do
    call "user/$hash/message_send" "{\"message\":\"Hello Anny\",\"id\":\"$id\"}" "$abhi" >/dev/null
done

echo "Anny's history:"
curl --silent --header "Authorization: Bearer $anny" "$api/user/$hash/messages?limit=10"
echo
echo "Anny's stream, from the beginning, for two seconds:"
curl --silent --no-buffer --max-time 2 --header "Authorization: Bearer $anny" "$api/user/$hash/stream?after=0" || true

call user/endchat '{}' "$anny" >/dev/null
echo "The chat has ended."
