"""Rewards of `tinystar serve-rewards`, asked for over HTTP at REWARD_URL; several addresses are separated by commas."""

import itertools
import json
import os
import time
import urllib.error
import urllib.request

ATTEMPTS = int(os.environ.get("REWARD_ATTEMPTS", "60"))
TIMEOUT = float(os.environ.get("REWARD_TIMEOUT", "180"))
_addresses = None


def _next_address():
    global _addresses
    if _addresses is None:
        urls = [url.strip() for url in os.environ.get("REWARD_URL", "").split(",") if url.strip()]
        if not urls:
            raise RuntimeError("REWARD_URL is not set; give the address that tinystar serve-rewards prints.")
        _addresses = itertools.cycle(urls)
    return next(_addresses)


def ask(prompts, answers, labels):
    """Rewards, scores and extra_logs of a batch. An address that does not answer is followed by the next one."""
    body = {"query": [p + a for p, a in zip(prompts, answers)], "prompts": list(prompts), "labels": list(labels)}
    data = json.dumps(body).encode()
    why = url = None
    for attempt in range(ATTEMPTS):
        url = _next_address()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                raise RuntimeError(f"{url} refuses a batch of rewards: {error.read().decode()[:400]}") from error
            why = error
        except (urllib.error.URLError, OSError) as error:
            why = error
        if attempt == 0:
            print(f"{url} gives no rewards ({why}); asking again", flush=True)
        time.sleep(min(5.0, 0.5 * 2 ** min(attempt, 4)))
    raise RuntimeError(
        f"{url} gave no rewards in {ATTEMPTS} attempts ({why}); start tinystar serve-rewards there and run the job again,"
        " which goes on from its last checkpoint."
    )


def reward(prompts, completions, completion_ids=None, label=None, log_metric=None, **_):
    """Reward function of TRL's GRPOTrainer; `label` is the data's column."""
    answers = ask(prompts, completions, label)
    if log_metric is not None:
        for name, values in answers.get("extra_logs", {}).items():
            log_metric(name, sum(values) / max(1, len(values)))
    return [float(value) for value in answers["rewards"]]


async def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_):
    """Reward function of verl, one answer at a time."""
    import asyncio

    prompt = (extra_info or {}).get("prompt", "")
    answers = await asyncio.to_thread(ask, [prompt], [solution_str], [ground_truth])
    return {"score": float(answers["rewards"][0]), "acc": float(answers.get("scores", answers["rewards"])[0])}
