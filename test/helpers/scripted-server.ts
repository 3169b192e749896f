/** An HTTP server for tests that answers as its script says, and remembers what it was asked. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Request {
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly at: number;
}

export interface Response {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Sent as it is when it is a text, as JSON otherwise. */
  readonly body: unknown;
}

export class ScriptedServer implements AsyncDisposable {
  readonly asked: Request[] = [];
  readonly #server: Server;

  private constructor(script: (request: Request, number: number) => Response) {
    this.#server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
        const asked = { path: request.url ?? '', body, at: Date.now() };
        const { status = 200, headers = {}, body: reply } = script(asked, this.asked.length);
        this.asked.push(asked);
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
      });
    });
  }

  static async start(script: (request: Request, number: number) => Response): Promise<ScriptedServer> {
    const server = new ScriptedServer(script);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** A chat completion of OpenAI's form with these choices: each a text or a message, and how it ended. */
export function chat(...choices: readonly [said: string | object, reason: unknown, more?: object][]): object {
  return {
    object: 'chat.completion',
    choices: choices.map(([said, reason, more], index) => ({
      index,
      message: { role: 'assistant', ...(typeof said === 'string' ? { content: said } : said) },
      ...(reason === undefined ? {} : { finish_reason: reason }),
      ...more,
    })),
  };
}
