#!/usr/bin/env bash
# A plant on Slurm: one job that hands out work, and workers that Slurm starts. Submit it with
#
#     sbatch examples/cluster/slurm.sh plant.toml
#
# from a clone in a folder that all nodes share. Before, once: `make encoder`, then
# `tools/in-environment python -m pip install --require-hashes -r requirements/cluster.txt`.
#
# NOT TESTED on a real Slurm; the tests run the command below with stand-ins for sbatch and scancel.
#SBATCH --job-name=plant
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=24:00:00
set -euo pipefail
plant=$1

# Certificates, by which scheduler, workers and client know each other and encrypt what they say. Only you may read them.
tls=$PWD/tls
if [ ! -f "$tls/key.pem" ]; then
  (
    umask 077
    mkdir -p "$tls"
    openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj /CN=simsearch -keyout "$tls/key.pem" -out "$tls/cert.pem"
  )
fi

# What each worker gets; sbatch reads these variables.
export SBATCH_TIMELIMIT=04:00:00
export SBATCH_MEM_PER_NODE=6G

for action in build validate; do
  tools/in-environment python -m inference plant "$action" "$plant" --cluster slurm --jobs 16 --tls "$tls"
done
tools/in-environment python -m inference plant report "$plant"
