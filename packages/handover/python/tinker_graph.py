"""A graph of torch functions in the form of Tinker's create_custom_loss, as a Python function."""

import operator

import torch

_MODULES = {"torch": torch, "operator": operator}


def _decoded(arg, values):
    if isinstance(arg, list):
        return [_decoded(one, values) for one in arg]
    if not isinstance(arg, dict):
        return arg
    ((kind, inside),) = arg.items()
    if kind == "ref":
        return values[inside]
    if kind == "tuple":
        return tuple(_decoded(one, values) for one in inside)
    if kind == "dict":
        return {name: _decoded(one, values) for name, one in inside.items()}
    if kind == "float":
        return float(inside)
    raise ValueError(f"the graph has an argument of kind {kind}, which this interpreter does not know")


def run_graph(graph, inputs):
    """Result of a graph for inputs by their names."""
    values = dict(inputs)
    for node in graph["nodes"]:
        args = [_decoded(arg, values) for arg in node["args"]]
        kwargs = {name: _decoded(arg, values) for name, arg in node["kwargs"].items()}
        if node["op"] == "placeholder":
            continue
        if node["op"] == "output":
            return args[0]
        if node["op"] == "call_method":
            values[node["name"]] = getattr(args[0], node["target"])(*args[1:], **kwargs)
        elif node["op"] == "call_function":
            module, name = node["target"].split(".", 1)
            values[node["name"]] = getattr(_MODULES[module], name)(*args, **kwargs)
        else:
            raise ValueError(f"the graph has a node of kind {node['op']}, which this interpreter does not know")
    raise ValueError("the graph has no output")


def loss_function(loss):
    """Function that Tinker traces, of loss.json; its parameters are named as the graph's inputs."""
    names = [one["name"] for one in loss["inputs"]]
    scope = {"run_graph": run_graph, "graph": loss["graph"]}
    # The service names inputs by the parameters of a function, which therefore has to have these very names.
    exec(
        f"def {loss['name']}({', '.join(names)}):\n    return run_graph(graph, dict({', '.join(f'{n}={n}' for n in names)}))",
        scope,
    )
    return scope[loss["name"]]
