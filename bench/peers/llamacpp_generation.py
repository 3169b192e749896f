"""Samples from llama.cpp's server (PyPI's xllamacpp), for `npm run bench -- --real --only generation`.

Started with a GGUF file, a file of prompts (ids), and the number of threads. All prompts are asked for at once, each with
`n_cmpl` samples: the server computes a prompt once, copies its state, and decodes all samples as one batch. Nothing is
kept between steps, and of the samplers only the temperature is on, as here.
"""

import concurrent.futures
import json
import resource
import sys
import time
import urllib.request

import xllamacpp


def start(gguf, prompts, samples, length, threads):
    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    slots = len(prompts) * samples
    params.n_parallel = slots
    # A cache for each slot: with one for all, attention looks at everybody's cells, and takes twice as long in all.
    params.kv_unified = False
    params.n_ctx = slots * (max(map(len, prompts)) + length + 8)
    params.n_batch = 2048
    params.n_ubatch = 512
    params.n_gpu_layers = 0
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.warmup = True
    params.verbosity = -1
    for pool in (params.cpuparams, params.cpuparams_batch):
        pool.n_threads = threads
    return xllamacpp.Server(params)


def main():
    gguf, batch_file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(batch_file) as file:
        batch = json.load(file)
    prompts, samples, length = batch["prompts"], batch["samples"], batch["length"]
    server = start(gguf, prompts, samples, length, threads)

    def complete(job):
        prompt, seed = job
        body = {
            "prompt": prompt,
            "n_cmpl": samples,
            "n_predict": length,
            "ignore_eos": True,
            "temperature": 1.0,
            "samplers": ["temperature"],
            "cache_prompt": False,
            "seed": seed,
        }
        request = urllib.request.Request(
            f"{server.listening_address}/completion",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as response:
            answers = json.load(response)
        drawn = sum(answer["tokens_predicted"] for answer in answers)
        if drawn != samples * length:
            raise RuntimeError(f"{drawn} tokens were drawn where {samples * length} were asked for")

    print(json.dumps({"version": f"xllamacpp {xllamacpp.__version__}"}), flush=True)
    seed = 0
    for line in sys.stdin:
        if line.strip() != "step":
            break
        begin = time.perf_counter()
        jobs = [(prompt, seed := seed + 1) for prompt in prompts]
        with concurrent.futures.ThreadPoolExecutor(len(prompts)) as pool:
            list(pool.map(complete, jobs))
        seconds = time.perf_counter() - begin
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        tokens = len(prompts) * samples * length
        print(json.dumps({"phases": {"rollout": seconds}, "loss": 0, "tokens": tokens, "peak": peak}), flush=True)


main()
