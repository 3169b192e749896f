/** `tinystar check`: the same cases through every runtime that is there. */
import { availableParallelism } from 'node:os';
import { check } from '../../../check/src/check.ts';
import { checkText } from '../../../check/src/table.ts';
import { readExamples } from '../../../fit/src/examples.ts';
import { casesOf } from '../../../fit/src/fit/dialogues.ts';
import { readFunctions } from '../../../fit/src/tools/read.ts';
import { isAbort, UserError } from '../../../../src/base/errors.ts';
import { requireCheckpoint } from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { fileBeside } from '../beside.ts';
import { command } from '../command.ts';
import { outStyle } from '../context.ts';
import { optional, text, toggle, whole } from '../flags.ts';
import { Stop } from '../stop.ts';
import { StatusLine } from '../terminal.ts';

/** The file that a flag names, or the one that a fit leaves beside the model. */
function fileOf(given: string | undefined, model: string, name: string, flag: string): string {
  const file = given ?? fileBeside(model, name);
  if (file !== undefined) return file;
  throw new UserError('CHECK', `There is no ${name} beside ${model}; give ${flag} FILE.`);
}

export const checkCommand = command({
  brief: 'Put the same cases through every runtime that is there',
  about:
    "Compares tinystar with llama.cpp's library and server, node-llama-cpp, transformers and Ollama, where each is there:\n" +
    'prompts byte by byte, tokens, calls, and the right answers. The exit code is 1 where a runtime makes another prompt\n' +
    'of a case (template), hands over fewer calls than its model wrote (lost), or fewer than tinystar makes.',
  examples: [
    'tinystar check home/student.gguf',
    'tinystar check home/student.gguf --cases acceptance.jsonl --tools functions.json --python venv/bin/python --json',
    'tinystar check home/student.gguf --llama-server "build/bin/llama-server -ngl 0" --ollama my-functions',
  ],
  flags: {
    cases: optional(text('File of example lines; default: acceptance.jsonl beside the model', 'FILE')),
    tools: optional(
      text('Functions, of any source that init takes; default: functions.json beside the model', 'SOURCE'),
    ),
    count: optional(whole(1, 'Cases from the beginning of the file; all without it')),
    generate_max_len: whole(1, 'Tokens of an answer at most', 256),
    threads: optional(whole(1, 'Threads of the other runtimes; all of the machine without it')),
    python: optional(text('Python that has torch, transformers and gguf', 'PROGRAM')),
    llama_server: optional(
      text(
        "Command of llama.cpp's server, or its address; default: LLAMA_SERVER, or llama-server",
        'COMMAND',
      ),
    ),
    ollama: optional(text('Name that Ollama, at OLLAMA_HOST, knows the model by', 'NAME')),
    json: toggle('Print the table as one JSON object'),
  },
  args: [{ brief: 'GGUF file, or checkpoint folder for transformers alone', placeholder: 'MODEL' }],
  async run(context, given, model) {
    const { process: own, services } = context;
    requireCheckpoint(model);
    const file = fileOf(given.cases, model, 'acceptance.jsonl', '--cases');
    const { functions: tools } = await readFunctions(fileOf(given.tools, model, 'functions.json', '--tools'));
    const cases = casesOf(readExamples(file, tools)).slice(0, given.count);
    if (cases.length === 0) throw new UserError('CHECK', `${file} has no cases; give another file.`);
    using status = new StatusLine(own.stderr, services.now);
    using stop = new Stop(services);
    try {
      const checked = await check({
        ...given,
        model,
        cases,
        tools,
        maxTokens: given.generate_max_len,
        threads: given.threads ?? availableParallelism(),
        ...(given.llama_server === undefined ? {} : { llamaServer: given.llama_server }),
        folder: process.cwd(),
        env: own.env,
        signal: stop.signal,
        tell: (name, done) => status.update(() => `${name}: ${done} of ${cases.length} cases`),
      });
      status.clear();
      own.stdout.write(given.json ? `${JSON.stringify(checked)}\n` : checkText(checked, outStyle(context)));
      if (checked.failing.length > 0) own.exitCode = 1;
    } catch (thrown) {
      if (!isAbort(thrown, stop.signal)) throw thrown;
      throw stop.interrupted('Stopped.');
    }
  },
});
