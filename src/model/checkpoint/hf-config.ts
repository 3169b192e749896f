/**
 * A Hugging Face config.json as a configuration of ours, and back. Both dialects are read: that of transformers 4
 * (rope_theta, rope_scaling, torch_dtype) and that of 5 (rope_parameters, dtype, layer_types). Whatever would change
 * what the model computes is either computed or refused by its name; nothing of that kind is filled in.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { shortened, UserError } from '../../base/errors.ts';
import { type Fields, isFields } from '../../json/value.ts';
import type { Family, ModelConfig } from '../arch/family.ts';
import { families, familyOf } from '../arch/index.ts';
import { ROPE_SCALINGS, type RopeScaling } from '../arch/rope.ts';

const size = z.int('a whole number').positive('above 0');
/** Of weights that must all be named: far beyond any model, and a damaged number is told at once. */
const MAX_LAYERS = 10_000;

/** Keys that every family has. */
const commonKeys = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(MAX_LAYERS, `at most ${MAX_LAYERS}`),
  num_attention_heads: size,
  /** Null stands for as many as there are heads, in transformers too. */
  num_key_value_heads: size.nullable(),
  /** The width by the heads, where it is left out. */
  head_dim: size.multipleOf(2, 'even').nullish(),
  rms_norm_eps: z.number('a number').positive('above 0'),
  max_position_embeddings: size,
  /** Both dialects leave it out for false; the head's weights are then needed. */
  tie_word_embeddings: z.boolean('true or false').default(false),
  bos_token_id: z.int('a whole number').nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())], 'a whole number or a list of them').nullish(),
};
/** A family's own name of a key that every family has. */
const keyOf = ({ huggingFace: { renamed } }: Family, key: string): string => renamed?.[key] ?? key;

/** A file's keys under the names that most families have. */
function commonNames(json: Fields, family: Family): Fields {
  const renamed = Object.entries(family.huggingFace.renamed ?? {});
  return { ...json, ...Object.fromEntries(renamed.map(([common, own]) => [common, json[own]])) };
}

/** As it stands in the file, cut where it is long. */
function shown(value: unknown): string {
  if (typeof value === 'number' || value === undefined) return String(value);
  const text = JSON.stringify(value);
  return shortened(text, 60);
}

/** Values of a key that do not change what is computed: nothing, no, none of it, or a factor of one. */
export function isNeutral(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  if (isFields(value)) return Object.keys(value).length === 0;
  return value === 0 || value === 1;
}

/** Keys beside those of a schema that this file reads, or that are nothing to what is computed, though they are named as if they were. */
const READ = new Set([
  'rope_theta',
  'rope_scaling',
  'rope_parameters',
  'layer_types',
  'use_sliding_window',
  // Said for layers that have a window, which `use_sliding_window` and `layer_types` tell.
  'sliding_window',
  'max_window_layers',
]);
/** Names of what changes numbers, in one model or another: biases, factors, windows, experts, other norms. */
const CHANGES_NUMBERS =
  /bias|scal|multiplier|softcap|clip|expert|moe|window|rope|rotary|rotation|norm|_rank$|act(ivation)?$|alibi|sparse|chunk_size$|sink|gate|parallel_residual|cross_attention|(vision|audio|text)_config/;

/** Every key that asks for something which is not computed. */
function foreignKeys(json: Fields, family: Family): string[] {
  const { keys, switchedOn, renamed = {} } = family.huggingFace;
  const isForeign = ([key, value]: readonly [string, unknown]): boolean => {
    // A model that looks ahead does not write.
    if (key === 'is_causal' || switchedOn?.test(key) === true) return value !== true && value !== null;
    const isRead = READ.has(key) || key in commonKeys || key in keys || Object.values(renamed).includes(key);
    return CHANGES_NUMBERS.test(key) && !isRead && !isNeutral(value);
  };
  return Object.entries(json)
    .filter(isForeign)
    .map(([key, value]) => `${key} is ${shown(value)}, which tinystar does not compute`);
}

/** Every layer that mixes tokens in another way than the family's layers do. */
function layerFaults(json: Fields, { huggingFace: { layerTypes = ['full_attention'] } }: Family): string[] {
  const { use_sliding_window: sliding = false, layer_types: types, num_hidden_layers: layers } = json;
  const faults: string[] = [];
  const known = layerTypes.join(' and ');
  if (sliding !== false && sliding !== null)
    faults.push(
      `use_sliding_window is ${shown(sliding)}, and tinystar computes attention to all tokens alone`,
    );
  if (types === undefined || types === null) return faults;
  if (!Array.isArray(types)) return [...faults, `layer_types is ${shown(types)} and must be a list`];
  const other: unknown = types.find((type) => !layerTypes.includes(String(type)));
  if (other !== undefined)
    faults.push(`layer_types has ${shown(other)}, and tinystar computes ${known} alone`);
  else if (types.length !== layers)
    faults.push(`layer_types has ${types.length} layers where num_hidden_layers is ${shown(layers)}`);
  return faults;
}

const ROPE_MAPS = ['rope_parameters', 'rope_scaling'] as const;

/** The maps of RoPE parameters by where they stand; of one a type of layers, that of full attention. */
function ropeMaps(json: Fields): (readonly [where: string, map: Fields])[] {
  return ROPE_MAPS.flatMap((where): (readonly [string, Fields])[] => {
    const value = json[where];
    if (!isFields(value)) return [];
    const full = value['full_attention'];
    return [isFields(full) ? [`${where}.full_attention`, full] : [where, value]];
  });
}

/** The scaling that a map of RoPE parameters asks for, or what is wrong with it. */
function scalingOf(where: string, map: Fields): { scaling?: RopeScaling; faults: string[] } {
  const { rope_theta: _, type, rope_type = type ?? 'default', ...others } = map;
  const foreign = (keys: readonly string[]): string[] =>
    Object.entries(others)
      .filter(([key, value]) => !keys.includes(key) && !isNeutral(value))
      .map(([key, value]) => `${where}.${key} is ${shown(value)}, which tinystar does not compute`);
  if (rope_type === 'default') return { faults: foreign([]) };
  if (rope_type !== 'linear' && rope_type !== 'llama3')
    return {
      faults: [`${where} scales RoPE (rope_type ${shown(rope_type)}), which tinystar does not compute`],
    };
  const schema = ROPE_SCALINGS[rope_type];
  const { data, error } = schema.safeParse({ ...others, rope_type });
  if (data === undefined)
    return {
      faults: error.issues.map(({ path, message }) => {
        const key = path.join('.');
        const value = others[key];
        return value === undefined
          ? `${where} lacks ${key}`
          : `${where}.${key} is ${shown(value)} and must be ${message}`;
      }),
    };
  return { scaling: data, faults: foreign(Object.keys(schema.shape)) };
}

/** The base and the scaling of RoPE, and what is wrong with what is said of them. */
function rope(json: Fields): {
  readonly theta: number;
  readonly scaling?: RopeScaling;
  readonly faults: readonly string[];
} {
  const faults: string[] = [];
  for (const where of ROPE_MAPS)
    if (json[where] !== undefined && json[where] !== null && !isFields(json[where]))
      faults.push(`${where} is ${shown(json[where])} and must be a map or null`);
  const maps = ropeMaps(json);
  const scalings = maps.map(([where, map]) => scalingOf(where, map));
  faults.push(...scalings.flatMap((read) => read.faults));
  const [{ scaling } = {}, other] = scalings;
  if (faults.length === 0 && other !== undefined && !isDeepStrictEqual(other.scaling, scaling))
    faults.push(
      `${maps.map(([where]) => where).join(' and ')} scale RoPE in two ways; keep the one that the model was trained with`,
    );
  const told = [['', json] as const, ...maps.map(([where, map]) => [`${where}.`, map] as const)]
    .map(([prefix, map]) => ({ where: `${prefix}rope_theta`, value: map['rope_theta'] }))
    .filter(({ value }) => value !== undefined && value !== null);
  const [first] = told;
  if (first === undefined && faults.length === 0)
    faults.push(
      'rope_theta stands neither by itself nor in rope_parameters, and without it the model computes something else',
    );
  for (const { where, value } of told)
    if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
      faults.push(`${where} is ${shown(value)} and must be a number above 0`);
  const second = told.find(({ value }) => value !== first?.value);
  if (first !== undefined && second !== undefined)
    faults.push(
      `${first.where} is ${shown(first.value)} and ${second.where} is ${shown(second.value)}; keep the one that the model was trained with`,
    );
  return { theta: Number(first?.value), ...(scaling === undefined ? {} : { scaling }), faults };
}

/** Family of a model that predicts the next token; throws what `refuse` makes of why there is none, and what to do. */
function familyNamed(
  json: Fields,
  refuse: (faults: readonly string[], advice: string) => UserError,
): readonly [name: string, Family] {
  const { model_type: type, architectures } = json;
  const known = Object.keys(families).join(', ');
  const advice = `serve the model and give its address, or give one of ${known} that writes text`;
  if (type === undefined || type === null)
    throw refuse(
      ['it has no model_type, so that nothing says what it is'],
      'give the config.json that the model was published with',
    );
  const family = typeof type === 'string' && Object.hasOwn(families, type) ? families[type] : undefined;
  if (typeof type !== 'string' || family === undefined)
    throw refuse(
      [`its model_type is ${shown(type)}, and tinystar computes ${known} alone (dense, text only)`],
      advice,
    );
  const names: readonly unknown[] = Array.isArray(architectures) ? architectures : [];
  if (names.length === 0 || names.includes(family.huggingFace.architecture)) return [type, family];
  const own = names.map((name) => (typeof name === 'string' ? name : shown(name))).join(', ');
  throw refuse(
    [`its architecture is ${own}, and tinystar computes ${family.huggingFace.architecture} alone`],
    advice,
  );
}

/** Fault of a key against the schema. */
function schemaFault(json: Fields, family: Family, { path, message }: z.core.$ZodIssue): string {
  const key = keyOf(family, path.map(String)[0] ?? '');
  const value = json[key];
  if (value === undefined) return `it lacks ${key}`;
  return `${key} is ${shown(value)} and must be ${message}`;
}

const ADVICE =
  'give the configuration that the model was published with, or serve the model and give its address';

/** Reads the contents of a config.json; `where` names the file in errors. Throws a UserError for what is not computed. */
export function configFromHuggingFace(json: unknown, where: string): ModelConfig {
  const refuse = (faults: readonly string[], advice = ADVICE): UserError =>
    new UserError(
      'MODEL_CONFIG',
      `${where} is not a model configuration that tinystar can run: ${faults.join('; ')}; ${advice}.`,
    );
  if (!isFields(json)) throw refuse(['it is not a map']);
  const [name, family] = familyNamed(json, refuse);
  const { huggingFace } = family;
  const names = commonNames(json, family);
  const parsed = z.looseObject({ ...commonKeys, ...huggingFace.keys }).safeParse(names);
  const { theta, scaling, faults } = rope(json);
  const issues = parsed.error?.issues.map((issue) => schemaFault(json, family, issue)) ?? [];
  const all = [
    ...new Set([...issues, ...faults, ...layerFaults(json, family), ...foreignKeys(json, family)]),
  ];
  if (!parsed.success || all.length > 0) throw refuse(all);
  // A family may read the keys of all in its own way, which does not change what they hold.
  const c = z.looseObject(commonKeys).parse(parsed.data);
  const heads = c.num_attention_heads;
  const kvHeads = c.num_key_value_heads ?? heads;
  if (heads % kvHeads !== 0)
    throw refuse([
      `num_attention_heads is ${heads} and must be a multiple of num_key_value_heads (${kvHeads})`,
    ]);
  const headDim = c.head_dim ?? c.hidden_size / heads;
  if (headDim % 2 !== 0)
    throw refuse([
      `hidden_size is ${c.hidden_size} and num_attention_heads ${heads}, which makes heads of ${headDim}, and they must be even`,
    ]);
  const eos = Array.isArray(c.eos_token_id) ? c.eos_token_id[0] : c.eos_token_id;
  const config: ModelConfig = {
    family: name,
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads,
    kvHeads,
    headDim,
    rmsNormEps: c.rms_norm_eps,
    ropeTheta: theta,
    ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    tiedEmbeddings: c.tie_word_embeddings,
    contextLength: c.max_position_embeddings,
    bosTokenId: c.bos_token_id ?? null,
    eosTokenId: eos ?? null,
  };
  return { ...config, ...huggingFace.own?.(parsed.data, config) };
}

/** Words of a config.json for weights that are quantised; undefined where it does not. */
export function quantisationOf(json: unknown): string | undefined {
  if (!isFields(json)) return undefined;
  for (const key of ['quantization_config', 'quantization', 'compression_config']) {
    const value = json[key];
    if (value === undefined || value === null) continue;
    const { quant_method: method, bits } = isFields(value) ? value : {};
    const words = [method, typeof bits === 'number' ? `${bits} bits` : undefined].filter(
      (word) => typeof word === 'string',
    );
    return [key, ...words].join(' ');
  }
  return undefined;
}

/** The contents of a config.json that transformers loads, 4 and 5: what they name differently stands under both names. */
export function configToHuggingFace(
  config: ModelConfig,
  dtype: 'float32' | 'float16' = 'float32',
): Record<string, unknown> {
  const family = familyOf(config);
  const { huggingFace } = family;
  const scaling = config.ropeScaling;
  return {
    architectures: [huggingFace.architecture],
    model_type: config.family,
    vocab_size: config.vocabSize,
    hidden_size: config.hiddenSize,
    [keyOf(family, 'intermediate_size')]: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    [keyOf(family, 'rms_norm_eps')]: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    ...(scaling === undefined ? {} : { rope_scaling: scaling }),
    rope_parameters: { rope_theta: config.ropeTheta, ...(scaling ?? { rope_type: 'default' }) },
    tie_word_embeddings: config.tiedEmbeddings,
    max_position_embeddings: config.contextLength,
    ...huggingFace.constants,
    ...huggingFace.write?.(config),
    initializer_range: 0.02,
    use_cache: true,
    bos_token_id: config.bosTokenId,
    eos_token_id: config.eosTokenId,
    torch_dtype: dtype,
    dtype,
  };
}
