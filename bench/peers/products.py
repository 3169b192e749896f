"""Matrix products in PyTorch, for `npm run bench -- --products`.

Started with the number of threads; reads a line {"k", "m", "n"} at a time and answers with {"forward", "step"}: seconds
of x · wᵀ, and of it with both of its gradients, w [m, k] and x [n, k] in f32.
"""

import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
print(json.dumps({"version": torch.__version__}), flush=True)
operands = {}
for line in sys.stdin:
    shape = json.loads(line)
    k, m, n = shape["k"], shape["m"], shape["n"]
    if (k, m, n) not in operands:
        operands = {(k, m, n): (torch.randn(m, k), torch.randn(n, k), torch.randn(n, m), torch.zeros(m, k))}
    w, x, grad, total = operands[k, m, n]
    begun = time.perf_counter()
    while True:
        start = time.perf_counter()
        y = x @ w.T
        forward = time.perf_counter() - start
        total += grad.T @ x
        towards_x = grad @ w
        step = time.perf_counter() - start
        if start - begun > 0.03:
            break
    print(json.dumps({"forward": forward, "step": step}), flush=True)
