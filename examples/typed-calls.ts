/**
 * Calls functions by requests in words, with arguments that have types. Run: npx tsx examples/typed-calls.ts
 *
 * The model is the teacher base that comes with the package; a student of `tinystar fit` is given by the path of its GGUF file.
 */
import { bases, loadModel } from 'tinystar';
import { z } from 'zod';

// Functions with schemas of zod, or of any library that has Standard JSON Schema; plain JSON Schema does as well.
const functions = {
  set_timer: {
    description: 'Starts a countdown timer.',
    parameters: z.object({ minutes: z.number().describe('How long, in minutes.') }),
  },
  play_music: {
    description: 'Plays music of an artist.',
    parameters: z.object({ artist: z.string().transform((artist) => artist.trim()) }),
  },
};

using model = loadModel(bases.teacher);

// Beginnings that all requests share are computed before the first one comes; savePrefixes keeps it for the next process.
console.log(`${await model.pin(functions)} tokens are kept`);

const { calls, faults, cachedTokens } = await model.call('Set a timer for 5 minutes', functions);
for (const call of calls) {
  // The name says of which type the arguments are.
  if (call.name === 'set_timer') console.log(`a timer of ${call.arguments.minutes.toFixed(1)} minutes`);
  else console.log(`music by ${call.arguments.artist.toUpperCase()}`);
}
// Calls that a schema refuses are told, and not made.
for (const { message } of faults) console.log(message);
console.log(`${cachedTokens} tokens of the prompt had been computed before`);

// Answers bit by bit.
for await (const part of model.stream('Please play some music by Nina Simone', functions)) {
  if (part.kind === 'text') process.stdout.write(part.text);
  if (part.kind === 'call') console.log('call:', part.call);
  if (part.kind === 'end') console.log(`${part.answer.tokens} tokens, ended by ${part.answer.finish}`);
}
