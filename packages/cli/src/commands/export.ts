/** `tinystar export`: a checkpoint as one GGUF file, for llama.cpp and everything built on it, or as another folder. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { generateAssistant, GROUP_SIZE } from '../../../assistant/src/index.ts';
import { modelfile } from '../../../fit/src/artefacts/modelfile.ts';
import { writeWebPage } from '../../../web/src/write.ts';
import { destinationOf } from '../../../../src/base/destination.ts';
import { UserError } from '../../../../src/base/errors.ts';
import { writeAtomic } from '../../../../src/base/output.ts';
import { ggufTokenizer, tokenizerFilesOf } from '../../../../src/chat/gguf-tokenizer.ts';
import type { Tool } from '../../../../src/chat/messages.ts';
import { ChatTemplate } from '../../../../src/chat/template.ts';
import { Tokenizer } from '../../../../src/chat/tokenizer.ts';
import type { Series } from '../../../../src/data/dialogues.ts';
import { readDialogues, type TaskDialogue } from '../../../../src/data/reading.ts';
import { toTools } from '../../../../src/chat/tool-documents.ts';
import { readTools } from '../../../../src/data/tools-file.ts';
import { exportParity, type ParityOptions } from '../../../../src/eval/parity.ts';
import { Device } from '../../../../src/ggml/device.ts';
import {
  checkpointName,
  isGguf,
  requireCheckpoint,
} from '../../../../src/model/checkpoint/checkpoint-path.ts';
import { loadConfig, loadModel, saveCheckpoint } from '../../../../src/model/checkpoint/checkpoint.ts';
import { exportGguf } from '../../../../src/model/checkpoint/gguf.ts';
import { formatPercent, shareOf } from '../../../report/src/numbers.ts';
import { fileBeside } from '../beside.ts';
import { command } from '../command.ts';
import { choice, optional, text, whole } from '../flags.ts';
import { checkOutputs, needNewFolder, outputName, tellingStream } from '../outputs.ts';

/** Types of weights in a folder, and those of a GGUF file besides. */
const FOLDER_DTYPES = ['f16', 'f32'] as const;
const DTYPES = [...FOLDER_DTYPES, 'bf16', 'q8_0', 'q6_k', 'q5_k_m', 'q4_k_m', 'q4_0'] as const;

/** Files that an export reads: of a folder, the files in it, but not GGUF files that were made of it. */
function readOf(checkpoint: string, data: string | undefined): string[] {
  const isFolder = statSync(checkpoint, { throwIfNoEntry: false })?.isDirectory() === true;
  const files = isFolder
    ? readdirSync(checkpoint)
        .map((name) => join(checkpoint, name))
        .filter((path) => !isGguf(path))
    : [checkpoint];
  return [...files, ...(data === undefined ? [] : [data])];
}

const MAX_TOKENS = 128;
const SEED = 7;

/** Asks both `count` requests, of the file `data` or the assistant's; returns lines on the outcome. */
async function parityText(
  checkpoint: string,
  parts: Pick<ParityOptions, 'device' | 'config' | 'weights' | 'gguf'>,
  data: string | undefined,
  count: number,
): Promise<string> {
  const tokenizer = Tokenizer.load(checkpoint);
  if (tokenizer.chatTemplate === undefined) {
    throw new UserError(
      'EXPORT_CHECK',
      `${parts.gguf} is written, but not checked: ${checkpoint} has no chat template to ask it with; give --check 0.`,
    );
  }
  const all: Series<TaskDialogue> =
    data === undefined
      ? generateAssistant({ seed: SEED, split: 'test', groups: Math.ceil(count / GROUP_SIZE) })
      : readDialogues(data);
  const dialogues = Array.from(all.slice(0, count));
  const template = ChatTemplate.of(tokenizer);
  const parity = await exportParity({ ...parts, tokenizer, template, dialogues, maxTokens: MAX_TOKENS });
  const { prompts, samePrompts, sameAnswers, sameTokens, tokens, meanKl, largestKl } = parity;
  const percent = (correct: number): string => formatPercent(shareOf({ correct, total: prompts }));
  return (
    `check: llama.cpp reads ${samePrompts} of ${prompts} prompts as the same tokens and answers ${sameAnswers} alike ` +
    `(${sameTokens} of ${tokens} tokens); KL ${meanKl.toExponential(1)} nats a token, at most ${largestKl.toExponential(1)}\n` +
    `check: asked as llama.cpp's server asks, through the file's own template, it answers ${parity.right} of ${prompts} right ` +
    `(${percent(parity.right)}); the checkpoint ${parity.ownRight} (${percent(parity.ownRight)})` +
    `${data === undefined ? "; the requests are of an assistant's functions, give yours by --data FILE" : ''}\n`
  );
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** Functions of a file, or of functions.json beside a GGUF file, for what is written for it. Throws a UserError where there is neither. */
function functionsOf(what: string, gguf: string, tools = fileBeside(gguf, 'functions.json')): Tool[] {
  if (tools !== undefined) return toTools(readTools(tools));
  throw new UserError(
    'TOOLS',
    `There is no functions.json beside ${gguf}; give the functions of the ${what} by --tools FILE.`,
  );
}

/** Writes a page that runs a GGUF file with the functions of a file; returns a line on it. */
function pageText(folder: string, gguf: string, tools?: string): string {
  requireCheckpoint(gguf);
  if (!isGguf(gguf))
    throw new UserError(
      'WEB',
      `A page runs a GGUF file, and ${gguf} is a folder; write one by --gguf, and give that.`,
    );
  const functions = functionsOf('page', gguf, tools);
  const { weights, engine, code } = writeWebPage(folder, {
    gguf,
    name: checkpointName(gguf),
    tools: functions,
  });
  return (
    `${folder}: a page of ${functions.length} functions; a browser loads ${megabytes(weights)} of weights, ` +
    `${megabytes(engine)} of engine and ${megabytes(code)} of code, and README.txt says how to serve it\n`
  );
}

/** Writes a Modelfile for a GGUF file with the functions of a file; returns a line on it. */
function modelfileText(file: string, gguf: string, tools?: string): string {
  if (!isGguf(gguf))
    throw new UserError('OLLAMA', `Ollama runs GGUF files, and ${gguf} is none; write one by --gguf.`);
  const functions = functionsOf('Modelfile', gguf, tools);
  const { contextLength } = loadConfig(gguf);
  const from = relative(dirname(resolve(file)), resolve(gguf)).replaceAll('\\', '/');
  writeAtomic(file, modelfile({ gguf: from, functions, tokenizer: Tokenizer.load(gguf), contextLength }));
  return `${file}: for ollama create, with ${functions.length} function${functions.length === 1 ? '' : 's'} in its template\n`;
}

export const exportCommand = command({
  brief: 'Write a checkpoint as a GGUF file or another folder',
  about:
    'Writes a checkpoint, with its tokenizer and chat template, as one GGUF file that llama.cpp runs, or as a\n' +
    'folder in Hugging Face format. A GGUF file is then run by llama.cpp and its answers compared. A page runs a GGUF\n' +
    'file in a browser, by the package @wllama/wllama.',
  examples: [
    'tinystar export bases/student --gguf student.gguf',
    'tinystar export ./Qwen3-0.6B --gguf small.gguf --dtype q4_k_m',
    'tinystar export runs/tiny-star/stages/star/model --folder my-student',
    'tinystar export home/student.gguf --web public',
    'tinystar export ./my-student --gguf student.gguf --modelfile Modelfile --tools functions.json',
  ],
  flags: {
    gguf: optional(text('GGUF file to write, for llama.cpp', 'FILE')),
    folder: optional(text('Folder to write, in Hugging Face format', 'DIR')),
    web: optional(text('Folder to write, with a page that runs a GGUF file in a browser', 'DIR')),
    modelfile: optional(
      text('Modelfile to write, for ollama create, with functions in its template', 'FILE'),
    ),
    tools: optional(
      text('JSON list of the functions of page or Modelfile; functions.json beside the file', 'FILE'),
    ),
    dtype: choice(DTYPES, 'How matrices are written; folders hold f16 and f32 only', 'f16'),
    check: whole(
      0,
      'Requests that the GGUF file, run by llama.cpp, and the checkpoint both answer; 0 checks nothing',
      8,
    ),
    data: optional(text("Dialogues (JSONL) for the check, in place of the assistant's", 'FILE')),
  },
  args: [{ brief: 'Checkpoint folder (Hugging Face format) or GGUF file', placeholder: 'CHECKPOINT' }],
  async run(context, { gguf, folder, web, modelfile: ollama, tools, dtype, check, data }, checkpoint) {
    if ([gguf, folder, web, ollama].every((output) => output === undefined)) {
      throw new UserError(
        'NO_OUTPUT',
        'Nothing to write: give --gguf FILE, --folder DIR, --web DIR or --modelfile FILE.',
      );
    }
    if (web !== undefined) {
      needNewFolder(web);
      context.process.stdout.write(pageText(web, checkpoint, tools));
    }
    checkOutputs(readOf(checkpoint, data), { gguf, modelfile: ollama });
    if (ollama !== undefined && gguf === undefined)
      context.process.stdout.write(modelfileText(ollama, checkpoint, tools));
    if (gguf === undefined && folder === undefined) return;
    const folderDType = FOLDER_DTYPES.find((candidate) => candidate === dtype);
    if (folder !== undefined && folderDType === undefined) {
      throw new UserError(
        'DTYPE',
        `A folder in Hugging Face format cannot hold ${dtype}; give --dtype f16 or f32, or write --gguf alone.`,
      );
    }
    if (folder !== undefined) needNewFolder(folder);
    const telling = tellingStream(context, { gguf });
    using device = Device.open('cpu');
    const { config, parameters } = loadModel(device, checkpoint, { trainable: false });
    using weights = parameters;
    const tell = (what: string, file?: string): void => {
      const size = file === undefined ? '' : `, ${megabytes(statSync(file).size)}`;
      const count = weights.count.toLocaleString('en');
      telling.write(`${what}: ${count} parameters as ${dtype}${size}\n`);
    };
    if (gguf !== undefined) {
      const name = basename(resolve(checkpoint));
      exportGguf(gguf, config, weights, ggufTokenizer(checkpoint), { dtype, name });
      const isFile = destinationOf(gguf).kind === 'file';
      tell(outputName(gguf), isFile ? gguf : undefined);
      if (!isFile) telling.write('not checked, as it is no file that llama.cpp could read\n');
      else if (check > 0)
        telling.write(await parityText(checkpoint, { device, config, weights, gguf }, data, check));
      if (ollama !== undefined) telling.write(modelfileText(ollama, gguf, tools));
    }
    if (folder !== undefined && folderDType !== undefined) {
      saveCheckpoint(folder, config, weights, {
        dtype: folderDType,
        tokenizerFiles: tokenizerFilesOf(checkpoint),
        stopIds: Tokenizer.load(checkpoint).stopIds,
      });
      tell(folder, join(folder, 'model.safetensors'));
    }
  },
});
