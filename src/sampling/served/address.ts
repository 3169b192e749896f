/** Addresses of servers as users write them: corrected where what is meant is plain, refused where it is not. */
import { UserError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secrets.ts';

/** Routes that are appended to an address, and so do no harm when it was pasted with it. */
const ROUTES =
  /\/(?:chat\/completions|completions|completion|responses|models|generate|tokenize|detokenize|health)\/*$/;
/** Parameters that hold a key. */
const KEYS = /^(?:key|api[_-]?key|.*token|sig|signature|secret|password)$/i;

/** Why a text is no address, behind "must be an address such as http://localhost:8080: ". */
function fault(text: string): string | undefined {
  if (text === '') return 'it is empty';
  if (/\s/.test(text)) return 'it has a space; give several addresses one by one';
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (scheme === undefined) return `it does not begin with http:// or https://`;
  if (!/^https?$/i.test(scheme)) return `${scheme}:// is not http:// or https://`;
  if (text.includes('\\')) return 'it has a backslash';
  if (/^https?:\/\/[^/?#]*@/i.test(text))
    return 'it has a name or password in it; give the key in a variable of the environment (api_key_env)';
  const [, port] = /^https?:\/\/[^/?#]*?:(\d+)(?:[/?#]|$)/i.exec(text) ?? [];
  if (port !== undefined && Number(port) > 65_535) return `there is no port ${port}`;
  if (!URL.canParse(text)) return 'its host or port cannot be read';
  const url = new URL(text);
  if (url.port === '0') return 'there is no port 0';
  if (!/^(?:\[[\da-f:.]+\]|[\w.-]+)$/i.test(url.hostname)) return 'its host cannot be read';
  const key = [...url.searchParams.keys()].find((name) => KEYS.test(name));
  return key && `its ${key} is a secret; give it in a variable of the environment (api_key_env)`;
}

/** Fault of `text` as a server's address, to be put behind it; undefined if it is one. */
export function addressFault(text: string): string | undefined {
  const given = text.trim();
  const why = fault(given);
  if (why === undefined) return undefined;
  const example = /^[\w.-]+(?::\d+)?(?:\/\S*)?$/.test(given) ? `http://${given}` : 'http://localhost:8080';
  return `must be an address such as ${example}: ${why}`;
}

/** A server's address without a route, a slash or a fragment at its end; throws a UserError if it is none. */
export function serverAddress(text: string): string {
  const why = addressFault(text);
  if (why !== undefined) throw new UserError('ADDRESS', `${JSON.stringify(withoutSecrets(text))} ${why}.`);
  const { origin, pathname, search } = new URL(text.trim());
  let path = pathname.replace(/\/+$/, '');
  while (ROUTES.test(path)) path = path.replace(ROUTES, '').replace(/\/+$/, '');
  return `${origin}${path}${search}`;
}

/** The address of a route below `base`, in front of what is asked for with every request. */
export function routeOf(base: string, path: string): string {
  const at = base.indexOf('?');
  return at < 0 ? base + path : `${base.slice(0, at)}${path}${base.slice(at)}`;
}

/** Why `name` is no name of an environment variable that holds a key, without showing it: it may be the key itself. */
export function keyVariableFault(name: string): string | undefined {
  const isKey = withoutSecrets(name) !== name || /^(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9]{20,}$/.test(name);
  if (!isKey && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
  return 'must be the name of the environment variable that holds the API key, such as OPENAI_API_KEY, and not the key itself';
}

/** An API key as a header can carry it; undefined where there is none. Throws a UserError that does not show it. */
export function headerKey(key: string | undefined, variable: string): string | undefined {
  const trimmed = key?.trim();
  if (trimmed === undefined || trimmed === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed;
  throw new UserError(
    'API_KEY',
    `The API key in ${variable} has a space, a line break or a character that no key has; copy it again.`,
  );
}
