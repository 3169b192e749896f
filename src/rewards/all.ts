/** Every reward, under the name that recipes call it: a new one is one file beside this one and one line here. */
export { binary } from './binary.ts';
export { anyOverlap as any_overlap, f1, mentor, noMatch as no_match, sparse, strict } from './mentor.ts';
export { simrl } from './simrl.ts';
export { simrlLength as simrl_length } from './simrl-length.ts';
export { simrlStrict as simrl_strict } from './simrl-strict.ts';
export { simrlUnicode as simrl_unicode } from './simrl-unicode.ts';
export { toolrl } from './toolrl.ts';
