#!/usr/bin/env bash
# One archive on many Slurm nodes: sbatch scripts/operations/slurm-array.sh ARCHIVE OUTPUT [option …]
# Each task of the array does its part (--shard auto reads Slurm's variables); a task that is killed and requeued
# goes on where it was. Input and output lie on a file system that all nodes see. To do one task of 16 again by itself:
# sbatch --array=3 scripts/operations/slurm-array.sh ARCHIVE OUTPUT --shard 3/16
#SBATCH --job-name=detect-batch
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --requeue
#SBATCH --open-mode=append
# SIGTERM comes this many seconds before the time limit: time to finish the batch in hand.
#SBATCH --signal=TERM@60

status=0
# Said once more: from 22.05 on srun does not take it from the job.
srun --cpus-per-task="${SLURM_CPUS_PER_TASK:-1}" detect-batch "${1:-/data/archive}" --output "${2:-/data/detections}" --shard auto "${@:3}" || status=$?
case $status in
  3) exit 0 ;; # some inputs cannot be decoded; their records say so
  # Disk full, locked, stopped, killed (for its memory, say): may go better later, but not for ever.
  74 | 75 | 130 | 137 | 143)
    if [ "${SLURM_RESTART_COUNT:-0}" -lt 10 ]; then
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
    fi
    ;;
esac
exit "$status"
