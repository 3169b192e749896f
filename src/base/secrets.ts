/** Secrets in texts that are shown, stored or logged: passwords of addresses, keys in headers, and keys that are known. */

/** Placeholder of a secret. */
const HIDDEN = '[secret]';
/** A known secret that is shorter is a placeholder such as "x", and would be found everywhere. */
const SHORTEST = 4;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // https://user:password@host
  [/(\b[a-z][a-z0-9+.-]*:\/{1,2})[^\s/?#"'<>]*@/gi, `$1${HIDDEN}@`],
  [/(\b(?:bearer|basic)\s+)(?=[^\s"']*[\d_-])[^\s"',;]{8,}/gi, `$1${HIDDEN}`],
  [/([?&](?:key|api[_-]?key|[a-z_]*token|sig|signature|secret|password)=)[^&\s"'#]+/gi, `$1${HIDDEN}`],
  // Keys of the services in use.
  [/\b(?:sk|pk|gsk|hf|xai|nvapi|r8|tgp_v1|fw)[-_][\w-]{16,}|\bAIza[\w-]{30,}/g, HIDDEN],
];

/** A text without passwords and keys: those that look like one, and the `known` ones however they are written. */
export function withoutSecrets(text: string, known: readonly (string | undefined)[] = []): string {
  let shown = text;
  for (const secret of known) {
    if (secret === undefined || secret.length < SHORTEST) continue;
    for (const form of new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]))
      shown = shown.replaceAll(form, HIDDEN);
  }
  return PATTERNS.reduce((rest, [pattern, instead]) => rest.replace(pattern, instead), shown);
}
