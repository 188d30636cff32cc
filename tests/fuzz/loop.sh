# Runs one command after the other, each within a time limit, and says of each how it ended:
#   fuzz NUMBER CODE MILLISECONDS LEFT OUTPUT WHY
# LEFT: processes that it left behind; OUTPUT: what it saved, in base64, or -; WHY: the end of its error output, or of its output.
# $1: file of commands, one a line; $2: seconds that each may take.
cd /work
number=0
while IFS= read -r line; do
    began=$(date +%s%N)
    timeout -s KILL "$2" sh -c "exec $line" </dev/null >/tmp/said 2>/tmp/why
    code=$?
    ms=$((($(date +%s%N) - began) / 1000000))
    # of those that are always there: process 1, and this shell
    set -- "$1" "$2" /proc/[0-9]*
    left=$(($# - 4))
    set -- "$1" "$2"
    output=-
    [ -f out/output.f32 ] && output=$(head -c 3000 out/output.f32 | base64 -w0)
    [ -s /tmp/why ] || cat /tmp/said >/tmp/why
    why=$(tail -c 200 /tmp/why | tr -c '[:print:]' ' ')
    echo "fuzz $number $code $ms $left ${output:--} $why"
    find /work/out /tmp -mindepth 1 -delete
    number=$((number + 1))
done <"$1"
