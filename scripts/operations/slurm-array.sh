#!/usr/bin/env bash
# One archive on many Slurm nodes: sbatch scripts/operations/slurm-array.sh
# Each task of the array does its part (--shard auto reads Slurm's variables); a task that is killed and requeued
# goes on where it was. Input and output lie on a file system that all nodes see.
#SBATCH --job-name=detect-batch
#SBATCH --array=1-16
#SBATCH --cpus-per-task=8
#SBATCH --mem=8G
#SBATCH --requeue
#SBATCH --open-mode=append
# SIGTERM comes this many seconds before the time limit: time to finish the batch in hand.
#SBATCH --signal=TERM@60

status=0
srun detect-batch /data/archive --output /data/detections --fps 1 --shard auto || status=$?
case $status in
  3) exit 0 ;;                                       # some inputs cannot be decoded; their records say so
  74 | 75 | 130 | 143) scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" ;; # may go better later
esac
exit "$status"
