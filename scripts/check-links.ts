/** Checks that every local link and anchor in the given Markdown files leads somewhere. Run: tsx scripts/check-links.ts FILE... */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** GitHub's anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(path, 'utf8').matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, text = '']) => anchor(text)));
}

function deadLinks(path: string): string[] {
  const text = readFileSync(path, 'utf8').replaceAll(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/i.test(link)) return [];
    const [file = '', fragment] = link.split('#');
    const target = file === '' ? path : join(dirname(path), file);
    if (!existsSync(target)) return [`${path}: ${link} does not exist`];
    const missing = fragment !== undefined && !anchorsOf(target).has(fragment);
    return missing ? [`${path}: ${link} has no such heading`] : [];
  });
}

const dead = process.argv.slice(2).flatMap(deadLinks);
for (const line of dead) console.error(line);
console.log(`links: ${process.argv.length - 2} files, ${dead.length} dead`);
process.exitCode = dead.length > 0 ? 1 : 0;
