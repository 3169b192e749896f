/** Other processes of this machine, and what tells them apart from those of other machines and containers. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hashString } from './rng.ts';

/** The code of an operating-system error, such as ENOENT; empty for anything else that was thrown. */
export function systemCode(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}

/** Tells whether a process with this number runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // It runs, but belongs to somebody else.
    return systemCode(thrown) === 'EPERM';
  }
}

/** Namespace in which numbers of processes mean the same processes. */
export interface ProcessPlace {
  readonly host: string;
  /** The machine, whatever it is called; empty where the system does not say. */
  readonly machine: string;
  /** The machine since it was started; empty where the system does not say. */
  readonly boot: string;
  /** The container; empty where there are none. */
  readonly namespace: string;
}

function textOr(fallback: string, read: () => string): string {
  try {
    return read().trim();
  } catch {
    return fallback;
  }
}

let known: ProcessPlace | undefined;

/** The place of this process. */
export function ownPlace(): ProcessPlace {
  known ??= {
    host: hostname(),
    machine: textOr('', () => hashString(readFileSync('/etc/machine-id', 'utf8')).toString(16)),
    boot: textOr('', () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    namespace: textOr('', () => readlinkSync('/proc/self/ns/pid')),
  };
  return known;
}

/** Tells whether this process can see whether those of another place run. */
export function isSamePlace(a: ProcessPlace, b: ProcessPlace): boolean {
  // Two hosts may have one name, and a boot is of one machine only; without it the name has to do.
  return (
    a.namespace === b.namespace && (a.boot === '' ? b.boot === '' && a.host === b.host : a.boot === b.boot)
  );
}

/** A short name of this process's place, for names of files. */
export function placeName(): string {
  const { host, boot, namespace } = ownPlace();
  return hashString(`${boot === '' ? host : boot} ${namespace}`)
    .toString(16)
    .padStart(8, '0');
}

/** When a process began, in its system's own measure, as numbers of processes are used again; empty if that is not known. */
export function beginningOf(pid: number): string {
  // The second field is the name in brackets, with any characters in it.
  const fields = textOr('', () => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    .replace(/^.*\) /s, '')
    .split(' ');
  return fields[19] ?? '';
}
