"""Makes test/golden/chat-templates/expected.json: conversations as transformers renders them with each template.

python test/golden/make-chat-templates.py      (transformers 5.24, jinja2 3.1)

Of each conversation: the prompt of the next turn, and the whole conversation with it; null where the template refuses it.
"""
import json, pathlib
from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent / 'chat-templates'
# The day that tinystar tells every template, so that texts do not change from day to day.
TOKENS = dict(bos_token='<bos>', eos_token='<eos>', date_string='26 Jul 2024')

def function(name, **properties):
    return {'type': 'function', 'function': {'name': name, 'description': f'Does {name} – "now" & <then>.',
            'parameters': {'type': 'object', 'properties': properties, 'required': list(properties)[:1]}}}

TOOLS = [
    function('set_light', room={'type': 'string'}, level={'type': 'number', 'default': 1.5}, on={'type': 'boolean'}),
    function('find', Query={'type': 'string'}, limit={'type': 'integer'}, tags={'type': 'array', 'items': {'type': 'string'}},
             area={'type': 'object', 'properties': {'x': {'type': 'number'}, 'wide': {'type': 'boolean'}}}),
]

def call(name, **arguments):
    return {'type': 'function', 'function': {'name': name, 'arguments': arguments}}

def said(role, content, **rest):
    return {'role': role, 'content': content, **rest}

ASK = said('user', 'Licht an im Büro? It\'s "dark".')
LIGHT = call('set_light', room='Büro 2', level=0.5, on=True)
FIND = call('find', Query='x < y & z', limit=3, tags=['a', 'b c'], area={'x': 1.5, 'wide': False})
CONVERSATIONS = {
    'words': [ASK, said('assistant', 'Yes.')],
    'words with tools': [ASK, said('assistant', 'Yes.')],
    'system': [said('system', 'Be brief.'), ASK, said('assistant', 'Yes.')],
    'call': [ASK, said('assistant', '', tool_calls=[LIGHT])],
    'call of everything': [ASK, said('assistant', '', tool_calls=[FIND])],
    'call without arguments': [ASK, said('assistant', '', tool_calls=[call('set_light')])],
    'parallel calls': [ASK, said('assistant', '', tool_calls=[LIGHT, FIND])],
    'words and a call': [said('system', 'Be brief.'), ASK, said('assistant', 'One moment.', tool_calls=[LIGHT])],
    'result': [ASK, said('assistant', '', tool_calls=[LIGHT]), said('tool', '{"ok": true}'), said('assistant', 'Done.')],
    'results and a second call': [ASK, said('assistant', '', tool_calls=[LIGHT, FIND]), said('tool', '{"ok": true}'),
        said('tool', '[1, 2]'), said('assistant', '', tool_calls=[call('set_light', room='b', level=2, on=False)])],
    'second request': [ASK, said('assistant', 'Yes.'), said('user', 'And now?'), said('assistant', 'No.')],
}

expected = {}
for path in sorted(HERE.glob('*.jinja')):
    template = path.read_text()
    expected[path.stem] = {}
    for name, messages in CONVERSATIONS.items():
        tools = None if name in ('words', 'system') else TOOLS
        def text(some, asks):
            return render_jinja_template([some], tools=tools, chat_template=template, add_generation_prompt=asks, **TOKENS)[0][0]
        try:
            expected[path.stem][name] = {'prompt': text(messages[:-1], True), 'whole': text(messages, False)}
        except Exception as thrown:
            expected[path.stem][name] = None
            print(path.stem, name, thrown)
(HERE / 'expected.json').write_text(json.dumps({'tools': TOOLS, 'conversations': CONVERSATIONS, 'expected': expected}, indent=1, ensure_ascii=False) + '\n')
