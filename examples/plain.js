/**
 * The same package from plain JavaScript: a model answers, and a reward says how right it was.
 * Run: npx tsx examples/plain.js, or node plain.js where tinystar is installed.
 */
import { bases, loadModel, rewards } from 'tinystar';

const tools = [
  {
    name: 'set_alarm',
    description: 'Sets an alarm.',
    parameters: { type: 'object', properties: { time: { type: 'string' } }, required: ['time'] },
  },
];

const model = loadModel(bases.teacher);
try {
  const prompt = model.prompt({ messages: [{ role: 'user', content: 'Set an alarm for 7:30' }], tools });
  const { text, message } = await model.answer(prompt, { generate_max_len: 96 });
  console.log(message);

  const label = '</think>\n\n<tool_call>\n{"name": "set_alarm", "arguments": {"time": "7:30"}}\n</tool_call>';
  const { reward, detail } = rewards.simrl.prepare({ prompt, label, tools }).score(text);
  console.log('reward', reward, detail);
} finally {
  // A model holds memory outside of JavaScript's heap.
  model.close();
}
