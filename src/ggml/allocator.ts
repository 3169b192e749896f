/**
 * Memory that goes back to the system when it is freed. A graph's context takes megabytes of address space and
 * touches part of them; glibc serves such blocks from the heap once it has seen one freed (its threshold for mapping
 * a block by itself grows with them), and a heap does not shrink. A run of several stages then holds the sum of what
 * they needed, which can be half a gigabyte. With a fixed threshold every large block is mapped, and unmapped.
 */
import koffi from 'koffi';

/** M_MMAP_THRESHOLD of glibc's malloc.h. */
const MMAP_THRESHOLD = -3;
const LARGE = 2 ** 20;

/** Fixes the threshold at 1 MiB; false where the C library is another one and has no such setting. */
export function mapLargeBlocks(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const mallopt = koffi.load(null).func('mallopt', 'int', ['int', 'int']);
    return mallopt(MMAP_THRESHOLD, LARGE) === 1;
  } catch {
    return false;
  }
}
