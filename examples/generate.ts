/**
 * Asks a model, with tools. Run: npx tsx examples/generate.ts
 *
 * The model is the teacher base that comes with the package; any Qwen3 in Hugging Face's format or as a GGUF file will
 * do, by its path.
 */
import { bases, loadModel, type Tool } from 'tinystar';

// Functions that the model may call: a name, a description and a JSON Schema of its arguments.
const tools: Tool[] = [
  {
    name: 'set_timer',
    description: 'Starts a countdown timer.',
    parameters: {
      type: 'object',
      properties: { minutes: { type: 'number', description: 'How long, in minutes.' } },
      required: ['minutes'],
    },
  },
  {
    name: 'play_music',
    description: 'Plays music of an artist.',
    parameters: { type: 'object', properties: { artist: { type: 'string' } }, required: ['artist'] },
  },
];
const ask = (content: string) => ({ messages: [{ role: 'user' as const, content }], tools });

// A model holds memory outside of JavaScript's heap. `using` frees it at the end of this block.
using model = loadModel(bases.teacher);

// The prompt is made by the checkpoint's own chat template.
console.log(model.prompt(ask('Set a timer for 5 minutes')));

// Many conversations at once are much faster than one by one; each answer comes as soon as it is finished.
const requests = ['Set a timer for 5 minutes', 'Please play some music by Nina Simone'];
for await (const answer of model.generate(requests.map(ask), { generate_max_len: 96 })) {
  console.log(requests[answer.prompt], '->', answer.message.toolCalls ?? answer.message.content);
}

// Four samples of one prompt, which is computed once for all of them.
const drawn = { n_samples_per_prompt: 4, temperature: 1, seed: 7, generate_max_len: 96 };
for await (const { text, tokens, finish } of model.generate([ask('Play Miles Davis')], drawn)) {
  console.log(`${tokens} tokens, ended by ${finish}:`, JSON.stringify(text));
}
