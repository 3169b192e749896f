/**
 * The phrase notation of the assistant's functions, one phrase a line:
 *
 *   {minutes}                  the value of a parameter
 *   (set|start) a timer        one of several wordings
 *   [ called {label}]          said only when the optional parameter is given
 *   <{song}~a song>            left out, or replaced by what follows ~, when the parameter is to be missing
 *   timers for *{minutes}*     repeated for parallel calls: "timers for 5, 10 and 12"
 *   = my {label} timer         not an imperative: takes no "can you" in front
 */
export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'slot'; readonly key: string }
  | { readonly type: 'choice'; readonly options: readonly (readonly Node[])[] }
  | { readonly type: 'optional'; readonly body: readonly Node[] }
  | { readonly type: 'needed'; readonly body: readonly Node[]; readonly instead: readonly Node[] }
  | { readonly type: 'repeat'; readonly body: readonly Node[] };

export interface Template {
  readonly source: string;
  readonly nodes: readonly Node[];
  /** Tells whether "please" and "can you" go in front of it. */
  readonly imperative: boolean;
  readonly slots: readonly string[];
  /** The slots inside brackets. */
  readonly optional: readonly string[];
  /** The slots that can be left out so that the request lacks them. */
  readonly droppable: readonly string[];
  /** The slots that parallel calls repeat. */
  readonly repeated: readonly string[];
}

/** First words that make a sentence a question or a statement. */
const NOT_IMPERATIVE = new Set(
  "what what's how how's is will when where who do does did which are should i i'd i'm i'll my there we why any has are let's do".split(
    ' ',
  ),
);

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '<': '>', '*': '*' };

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  nodes(until: string): Node[] {
    const out: Node[] = [];
    while (this.#at < this.#text.length && !until.includes(this.#text.charAt(this.#at)))
      out.push(this.#node(until));
    return out;
  }

  #node(until: string): Node {
    const open = this.#text.charAt(this.#at);
    if (open === '{') {
      const end = this.#text.indexOf('}', this.#at);
      const key = this.#text.slice(this.#at + 1, end);
      this.#at = end + 1;
      return { type: 'slot', key };
    }
    const close = CLOSING[open];
    if (close === undefined) return this.#plain(until);
    this.#at++;
    const parts = [this.nodes(close + '|~')];
    while (this.#text.charAt(this.#at) === '|' || this.#text.charAt(this.#at) === '~') {
      this.#at++;
      parts.push(this.nodes(close + '|~'));
    }
    if (this.#text.charAt(this.#at) !== close)
      throw new SyntaxError(`phrase "${this.#text}": no closing ${close}`);
    this.#at++;
    const [body = [], instead = []] = parts;
    if (open === '(') return { type: 'choice', options: parts };
    if (open === '[') return { type: 'optional', body };
    if (open === '<') return { type: 'needed', body, instead };
    return { type: 'repeat', body };
  }

  #plain(until: string): Node {
    const start = this.#at;
    while (this.#at < this.#text.length && !`{([<*${until}`.includes(this.#text.charAt(this.#at))) this.#at++;
    return { type: 'text', text: this.#text.slice(start, this.#at) };
  }
}

function slotsOf(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.type === 'slot') return [node.key];
    if (node.type === 'text') return [];
    return node.type === 'choice' ? node.options.flatMap(slotsOf) : slotsOf(node.body);
  });
}

function within(nodes: readonly Node[], type: 'optional' | 'needed' | 'repeat'): string[] {
  return nodes.flatMap((node) => {
    if (node.type === type) return slotsOf(node.body);
    if (node.type === 'text' || node.type === 'slot') return [];
    return node.type === 'choice' ? node.options.flatMap((o) => within(o, type)) : within(node.body, type);
  });
}

export function parseTemplate(line: string): Template {
  const marked = line.startsWith('=');
  const source = marked ? line.slice(1).trim() : line.trim();
  const nodes = new Parser(source).nodes('');
  const first = /^[(<[]*([a-z']+)/.exec(source)?.[1] ?? '';
  return {
    source,
    nodes,
    imperative: !marked && !NOT_IMPERATIVE.has(first),
    slots: [...new Set(slotsOf(nodes))],
    optional: within(nodes, 'optional'),
    droppable: within(nodes, 'needed'),
    repeated: within(nodes, 'repeat'),
  };
}

/** The phrases of a block of text, one a line. */
export function parseTemplates(block: string): Template[] {
  return block
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map(parseTemplate);
}

/** Number of wordings that a phrase stands for, its values and optional parts aside. */
export function countWordings(nodes: readonly Node[]): number {
  return nodes.reduce((count, node) => {
    if (node.type === 'text' || node.type === 'slot') return count;
    if (node.type === 'choice') return count * node.options.reduce((sum, o) => sum + countWordings(o), 0);
    return count * countWordings(node.body);
  }, 1);
}
