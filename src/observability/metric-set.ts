import type * as PromClient from 'prom-client';
import type { Counter, Gauge, Registry } from 'prom-client';

/** Metrics that are shown together. */
export class MetricSet {
  readonly #registry: Registry;

  constructor(private readonly client: typeof PromClient) {
    this.#registry = new client.Registry();
  }

  gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> {
    return new this.client.Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new this.client.Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** A counter of what is counted elsewhere, since the start: it is set, not added to. */
  total(name: string, help: string): (value: number) => void {
    const counter = this.counter(name, help);
    return (value) => {
      counter.reset();
      counter.inc(value);
    };
  }

  /** In the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
