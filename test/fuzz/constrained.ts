/**
 * Random schemas, and random models that write by them token by token: every answer is whole, is read as one call, and its
 * arguments are right by Ajv, which knows nothing of ours.
 * Run: npm run fuzz:constrained -- [--count 100000] [--from 0] [--model bases/student]
 *
 * A case depends on its number alone: --from N --count 1 repeats one. The model has no opinion: it takes any token that may come,
 * plain ones and those that close something rather than others, so that texts end.
 */
import { parseArgs } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { UserError } from '../../src/base/errors.ts';
import { Rng } from '../../src/base/rng.ts';
import { ChatTemplate } from '../../src/chat/template.ts';
import { Tokenizer } from '../../src/chat/tokenizer.ts';
import { checkTools } from '../../packages/constrain/src/calls.ts';
import { TokenSymbols } from '../../packages/constrain/src/tokens.ts';
import { callsOfTurn } from '../../packages/environments/src/turn.ts';
import { randomRoot } from './schemas.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    from: { type: 'string', default: '0' },
    model: { type: 'string', default: 'bases/student' },
  },
});
const [count, from] = [Number(values.count), Number(values.from)];
const tokenizer = Tokenizer.load(values.model);
const { format } = ChatTemplate.of(tokenizer);
const symbols = new TokenSymbols(tokenizer);
const stop = new Set<number>(tokenizer.stopIds);

/** Tokens of an answer at most; a longer one is cut off and counted. */
const LONGEST = 400;
/** Tokens that are looked at of those that may come. */
const LOOKED = 12;

const textOf = (token: number): string => tokenizer.decode([token]);
const closes = (token: number): boolean => stop.has(token) || /^["\]}]+$/.test(textOf(token).trim());

/** Writes an answer; undefined where it has no end. Throws an Error where no token may come. */
function written(start: ReturnType<TokenSymbols['constraint']>, rng: Rng): string | undefined {
  const tokens: number[] = [];
  let at = start;
  while (tokens.length < LONGEST) {
    const open = at.tokens();
    if (open.length === 0) throw new Error(`there is no way on behind ${tokenizer.decode(tokens)}`);
    const ends = open.filter((token) => stop.has(token));
    const end = ends[0];
    if (end !== undefined && rng.chance(0.7)) return tokenizer.decode(tokens);
    const looked = Array.from({ length: LOOKED }, () => rng.pick(open));
    const closing = rng.chance(0.15 + tokens.length / 200) ? open.find(closes) : undefined;
    const token = closing ?? looked.find((one) => /^[\w .:-]+$/.test(textOf(one))) ?? rng.pick(open);
    if (stop.has(token)) return tokenizer.decode(tokens);
    const next = at.after(token);
    if (next === undefined) throw new Error(`${JSON.stringify(textOf(token))} was to be allowed`);
    tokens.push(token);
    at = next;
  }
  return undefined;
}

// Ajv divides in binary: 96128611796.7 by 0.1 is a whole number only to four places.
const ajv = new Ajv2020({ strict: false, multipleOfPrecision: 3, addUsedSchema: false });
formats.default(ajv);

const tally = { right: 0, refused: 0, cut: 0, wrong: 0 };
const start = performance.now();
for (let i = from; i < from + count; i++) {
  const rng = Rng.seeded(i, 'constrained');
  const { $defs = {}, ...root } = randomRoot(rng);
  const parameters = { type: 'object', properties: { v: root }, required: ['v'], $defs };
  const tools = [{ name: 'f', description: 'Does it.', parameters }];
  try {
    checkTools(tools);
    const text = written(
      symbols.constraint(format, { tools, choice: 'required', parallel: false, isSilent: true }),
      rng,
    );
    if (text === undefined) tally.cut += 1;
    else {
      const calls = callsOfTurn(text, { format, prompt: '', tools });
      const judge = ajv.compile(parameters);
      const [call] = calls;
      const isRight = calls.length === 1 && call?.kind === 'call' && judge(call.given);
      tally[isRight ? 'right' : 'wrong'] += 1;
      if (!isRight)
        console.log(`case ${i}: ${text}\n  ${JSON.stringify(parameters)}\n  ${ajv.errorsText(judge.errors)}`);
    }
  } catch (thrown) {
    if (thrown instanceof UserError) tally.refused += 1;
    else {
      tally.wrong += 1;
      console.log(`case ${i}: ${String(thrown)}\n  ${JSON.stringify(parameters)}`);
    }
  }
  if ((i + 1 - from) % 5000 === 0) console.log(`${i + 1 - from}: ${JSON.stringify(tally)}`);
}
const minutes = (performance.now() - start) / 60_000;
console.log(
  `${count} schemas in ${minutes.toFixed(1)} min: ${tally.right} answers right by Ajv, ${tally.wrong} wrong or at a dead end, ` +
    `${tally.cut} without an end in ${LONGEST} tokens, ${tally.refused} schemas refused in a sentence`,
);
process.exitCode = tally.wrong > 0 ? 1 : 0;
