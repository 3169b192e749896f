/** Other processes of this machine. */

/** The code of an operating-system error, such as ENOENT; empty for anything else that was thrown. */
export function systemCode(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}

/** Whether a process with this number runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    // It runs, but belongs to somebody else.
    return systemCode(thrown) === 'EPERM';
  }
}
