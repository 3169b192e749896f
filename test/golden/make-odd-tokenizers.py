"""Makes test/golden/tokenizers/odd.json.br: tiny tokenizers with the parts that no family at hand uses, and the ids of texts by `tokenizers`.

python test/golden/make-odd-tokenizers.py      (tokenizers 0.23)
"""
import json, pathlib, random, subprocess
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers as n, pre_tokenizers as p

rng = random.Random(3)
ALPHABET = sorted(p.ByteLevel.alphabet())
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"


def bytes_of(use_regex=False, add_prefix_space=False):
    return p.ByteLevel(add_prefix_space=add_prefix_space, use_regex=use_regex)


def make(*cuts, without=(), normalizer=None, added=()):
    characters = [c for c in ALPHABET if c not in without]
    vocab = {token: i for i, token in enumerate(characters + ['ab', 'abc', 'Ġa', '12'])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[('a', 'b'), ('ab', 'c'), ('Ġ', 'a'), ('1', '2')]))
    tokenizer.pre_tokenizer = p.Sequence(list(cuts))
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    for token in added:
        tokenizer.add_tokens([token])
    return tokenizer


ADDED = [AddedToken('<l>', lstrip=True, normalized=False), AddedToken('<r>', rstrip=True, normalized=False),
         AddedToken('<w>', single_word=True, normalized=False), AddedToken('ab', single_word=True, normalized=False),
         AddedToken('é!', normalized=True), AddedToken('<l><r>', normalized=False)]
CASES = {
    'leaves out bytes that the vocabulary lacks, and merges what are neighbours then': make(bytes_of(True), without=('.', 'Ã')),
    'finds added tokens with the white space, the boundaries and the normalisation that they ask for': make(bytes_of(True), normalizer=n.NFC(), added=ADDED),
    'takes possessive repetitions for such': make(p.Split(Regex(CL100K), 'isolated'), bytes_of()),
    'cuts what a ByteLevel wrote by what comes behind it': make(p.Punctuation('contiguous'), bytes_of(True), p.Digits(True), p.Split(Regex('[0-9][0-9][0-9]'), 'isolated')),
    'puts a space before a text that begins with none': make(bytes_of(True, True)),
    'normalises in a sequence, and removes what it cuts at': make(p.Split(' ', 'removed'), bytes_of(), normalizer=n.Sequence([n.NFKC(), n.Replace('1', '$&2'), n.Prepend('a')])),
    **{f'cuts {behavior}{", inverted" if invert else ""}': make(p.Split(Regex('[ab ]'), behavior, invert=invert), bytes_of())
       for behavior in ('isolated', 'removed', 'merged_with_previous', 'merged_with_next', 'contiguous') for invert in (False, True)},
}
PARTS = ['a', 'b', 'c', 'ab', 'abc', ' ', '  ', '\n', '\r\n', '1', '12', '1234', '½', '³', 'é', 'e\u0301', 'é!', 'e\u0301!', '<l>', '<r>', '<w>',
         "'S", "'ſ", '.', '?!', '\t', '_', '中', '\u00a0', '\u0085', 'Ａ']
texts = [''.join(rng.choice(PARTS) for _ in range(rng.randint(1, 9))) for _ in range(100)]
cases = {name: {'tokenizer': json.loads(tokenizer.to_str()), 'ids': [tokenizer.encode(text).ids for text in texts]} for name, tokenizer in CASES.items()}
program = "const z=require('node:zlib');const fs=require('node:fs');fs.writeFileSync(process.argv[1],z.brotliCompressSync(fs.readFileSync(0)))"
path = pathlib.Path(__file__).parent / 'tokenizers' / 'odd.json.br'
subprocess.run(['node', '-e', program, path], input=json.dumps({'texts': texts, 'cases': cases}).encode(), check=True)
print(path, path.stat().st_size, 'bytes')
