/** The nearest of several names: what an error message offers after a slip of the keys. */

/** Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
}

/** Names that other trainers give to what has one name here. */
const SYNONYMS: Readonly<Record<string, string>> = {
  l2: 'weight_decay',
  learning_rate: 'lr',
  actor_learning_rate: 'lr',
  scheduler: 'lr_scheduler',
  lr_warmup_ratio: 'warmup_ratio',
  beta1: 'adam_beta1',
  beta2: 'adam_beta2',
  batch_size: 'train_batch_size',
  micro_batch_size: 'micro_train_batch_size',
  max_grad_norm: 'max_norm',
  grad_clip: 'max_norm',
  epochs: 'max_epochs',
  episodes: 'num_episodes',
  n_samples: 'n_samples_per_prompt',
  num_generations: 'n_samples_per_prompt',
  group_size: 'n_samples_per_prompt',
  max_new_tokens: 'generate_max_len',
  max_tokens: 'generate_max_len',
  beta: 'init_kl_coef',
  kl_coef: 'init_kl_coef',
};

/** The name among `names` that `wrong` most likely stands for, if any is near. */
export function nearest(wrong: string, names: Iterable<string>): string | undefined {
  const candidates = [...names];
  const synonyms = Object.entries(SYNONYMS).filter(([, name]) => candidates.includes(name));
  const words = [...synonyms, ...candidates.map((name) => [name, name] as const)];
  let best: string | undefined;
  // A third of the letters may be wrong: more, and the suggestion would surprise.
  let limit = Math.max(1, Math.floor(wrong.length / 3));
  for (const [word, name] of words) {
    const d = distance(wrong.toLowerCase(), word.toLowerCase());
    if (d <= limit && (best === undefined || d < limit)) {
      best = name;
      limit = d;
    }
  }
  return best ?? candidates.find((name) => wrong.length >= 3 && name.startsWith(wrong));
}

/** `; did you mean X?`, or else `; it can be A, B or C`. */
export function suggestion(wrong: string, names: readonly string[], otherwise = 'it can be'): string {
  const near = nearest(wrong, names);
  if (near !== undefined) return `; did you mean ${near}?`;
  return names.length === 0 ? '.' : `; ${otherwise} ${listed(names)}.`;
}

/** `a, b or c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
