/** Counts of a server, in the text format of Prometheus. */

/** Upper bounds of the seconds that answers took. */
const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

interface Counter {
  readonly help: string;
  readonly values: Map<string, number>;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const labelsOf = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

export class Metrics {
  readonly #counters = new Map<string, Counter>();
  readonly #gauges: { readonly name: string; readonly help: string; readonly read: () => number }[] = [];
  readonly #buckets = BOUNDS.map(() => 0);
  #seconds = 0;
  #answers = 0;

  counter(name: string, help: string): (by?: number, labels?: Readonly<Record<string, string>>) => void {
    const values = new Map<string, number>();
    this.#counters.set(name, { help, values });
    return (by = 1, labels = {}) => {
      const key = labelsOf(labels);
      values.set(key, (values.get(key) ?? 0) + by);
    };
  }

  gauge(name: string, help: string, read: () => number): void {
    this.#gauges.push({ name, help, read });
  }

  /** Adds an answer that took so many seconds. */
  took(seconds: number): void {
    this.#seconds += seconds;
    this.#answers += 1;
    for (const [i, bound] of BOUNDS.entries())
      if (seconds <= bound) this.#buckets[i] = (this.#buckets[i] ?? 0) + 1;
  }

  text(): string {
    const lines: string[] = [];
    const head = (name: string, help: string, type: string): number =>
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const [name, { help, values }] of this.#counters) {
      head(name, help, 'counter');
      if (values.size === 0) lines.push(`${name} 0`);
      for (const [labels, value] of values) lines.push(`${name}${labels} ${value}`);
    }
    for (const { name, help, read } of this.#gauges) {
      head(name, help, 'gauge');
      lines.push(`${name} ${read()}`);
    }
    const name = 'tinystar_request_seconds';
    head(name, 'Seconds from a request to the end of its answer.', 'histogram');
    for (const [i, bound] of BOUNDS.entries())
      lines.push(`${name}_bucket{le="${bound}"} ${this.#buckets[i] ?? 0}`);
    lines.push(
      `${name}_bucket{le="+Inf"} ${this.#answers}`,
      `${name}_sum ${this.#seconds}`,
      `${name}_count ${this.#answers}`,
    );
    return `${lines.join('\n')}\n`;
  }
}
