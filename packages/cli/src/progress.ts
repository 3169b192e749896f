/**
 * A run's progress from its events: on a terminal one line that is drawn over, elsewhere a line every few seconds,
 * or twice a minute while a step lasts; a line that stays for every stage that ends.
 */
import { formatCount, formatDuration, formatNumber } from '../../report/src/numbers.ts';
import type { Metrics, RunEvent } from '../../../src/train/events.ts';
import { bar, type OutputStream, StatusLine, type Style } from './terminal.ts';

export interface ProgressOptions {
  readonly stream: OutputStream;
  readonly style: Style;
  /** Names of the stages to come, in order, as far as they are known. */
  readonly stages: readonly string[];
  readonly now: () => number;
}

type Event<T extends RunEvent['type']> = Extract<RunEvent, { readonly type: T }>;

interface CurrentStage {
  /** Its beginning. */
  readonly begun: Event<'stage'>;
  step: number;
  /** When that step ended, or the stage began. */
  since: number;
  total: number;
  tokens: number;
  /** Moving averages, so that one slow step does not make the time left jump. */
  secondsPerStep: number;
  tokensPerSecond: number;
  metrics: Metrics;
}

/** Milliseconds without a line after which another one is due, and between looks at how many they are. */
const SILENCE = 20_000;
const LOOK_EVERY = 10_000;

export class Progress {
  readonly #options: ProgressOptions;
  readonly #status: StatusLine;
  readonly #timer: NodeJS.Timeout | undefined;
  #stage: CurrentStage | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#status = new StatusLine(options.stream, options.now);
    if (!this.#status.isTerminal) this.#timer = setInterval(() => this.#breakSilence(), LOOK_EVERY).unref();
  }

  handle(event: RunEvent): void {
    switch (event.type) {
      case 'stage':
        this.#begin(event);
        break;
      case 'step':
        this.#step(event);
        break;
      case 'warning':
        this.print(`${this.#options.style.bad('warning')} ${event.stage}: ${event.text}`);
        break;
      case 'waiting':
        this.print(`${event.stage}: ${event.text}`);
        break;
      case 'done':
        this.#done(event);
        break;
      case 'sample':
      case 'checkpoint':
        break;
      default:
        event satisfies never;
    }
  }

  /** Writes a line that stays above the progress line. */
  print(line: string): void {
    this.#status.clear();
    this.#options.stream.write(`${line}\n`);
    if (this.#status.isTerminal && this.#stage !== undefined) this.#status.draw(this.#line(this.#stage));
  }

  /** Leaves the progress line as it is and the cursor below it; returns where the run is, in words, empty between stages. */
  end(): string {
    clearInterval(this.#timer);
    this.#status.end();
    const stage = this.#stage;
    this.#stage = undefined;
    return stage === undefined ? '' : ` at step ${stage.step} of ${stage.total} of ${stage.begun.stage}`;
  }

  #begin(begun: Event<'stage'>): void {
    const { stage, total, done } = begun;
    const since = this.#options.now();
    const none = { tokens: 0, secondsPerStep: 0, tokensPerSecond: 0, metrics: {} };
    this.#stage = { begun, step: done, since, total, ...none };
    if (this.#status.isTerminal) this.#status.draw(this.#line(this.#stage));
    else if (done < total) {
      const what = done > 0 ? `going on after step ${done} of ${total}` : `${total} steps`;
      this.#status.draw(`${this.#place(stage)}${stage}: ${what}`);
    }
  }

  #step({ step, total, tokens, seconds, metrics }: Event<'step'>): void {
    const stage = this.#stage;
    if (stage === undefined) return;
    const first = stage.secondsPerStep === 0;
    const mixed = (old: number, fresh: number): number => (first ? fresh : 0.9 * old + 0.1 * fresh);
    stage.secondsPerStep = mixed(stage.secondsPerStep, seconds);
    const rate = seconds > 0 ? tokens / seconds : stage.tokensPerSecond;
    stage.tokensPerSecond = mixed(stage.tokensPerSecond, rate);
    stage.tokens += tokens;
    Object.assign(stage, { step, total, metrics, since: this.#options.now() });
    if (this.#status.isDue || step >= total) this.#status.draw(this.#line(stage));
  }

  /** Shows a reader of a log that a long step goes on. */
  #breakSilence(): void {
    const stage = this.#stage;
    if (stage === undefined || this.#status.age < SILENCE) return;
    const seconds = (this.#options.now() - stage.since) / 1000;
    const so = stage.step < stage.total ? `  ${formatDuration(seconds)} in step ${stage.step + 1}` : '';
    this.#status.draw(this.#line(stage) + so);
  }

  #done({ stage: name, seconds }: Event<'done'>): void {
    const { style } = this.#options;
    const stage = this.#stage?.begun.stage === name ? this.#stage : undefined;
    const facts =
      stage === undefined || stage.begun.done === stage.total
        ? ['was done before']
        : [
            stage.step > 0 && `${stage.step} steps`,
            formatDuration(seconds),
            this.#watched(stage),
            stage.tokens > 0 && `${formatCount(stage.tokens)} tokens`,
          ];
    this.#stage = undefined;
    this.print(`${style.good('✓')} ${style.bold(name)}  ${style.dim(facts.filter(Boolean).join('  '))}`);
  }

  /** Place of a stage among those to come; empty where they are not known. */
  #place(name: string): string {
    const { stages, style } = this.#options;
    return stages.includes(name) ? `${style.dim(`[${stages.indexOf(name) + 1}/${stages.length}]`)} ` : '';
  }

  #watched({ begun: { watch = ['loss'] }, metrics }: CurrentStage): string {
    const [name] = watch.filter((one) => metrics[one] !== undefined);
    return name === undefined ? '' : `${name.replace('_', ' ')} ${formatNumber(metrics[name] ?? NaN)}`;
  }

  #line(stage: CurrentStage): string {
    const { style } = this.#options;
    const { stage: name } = stage.begun;
    const share = stage.total > 0 ? stage.step / stage.total : 0;
    const left = (stage.total - stage.step) * stage.secondsPerStep;
    const facts = [
      `${String(stage.step).padStart(String(stage.total).length)}/${stage.total}`,
      this.#watched(stage),
      stage.tokensPerSecond > 0 ? `${formatCount(stage.tokensPerSecond)} tokens/s` : '',
      stage.secondsPerStep > 0 && stage.step < stage.total ? `${formatDuration(left)} left` : '',
    ];
    return `${this.#place(name)}${style.bold(name)} ${bar(share, style)} ${facts.filter(Boolean).join('  ')}`;
  }
}
