import type { Subscriber } from 'rxjs';
import type { Place } from '../../availability/admission/gate.js';
import type { ChatCompletion, ChatRequest } from '../../domain/chat.js';
import type { ChatAnswer } from '../../domain/chat-answer.js';
import type { ChatFrame } from '../../domain/chat-frame.js';
import type { UpstreamAttempt } from '../../domain/deployment.js';
import { GatewayError, InternalError, UpstreamTimeoutError } from '../../domain/errors.js';
import type { RequestContext } from '../../domain/request-context.js';
import type { Plan, Step } from '../plan/plan.js';
import type { Refusal } from '../plan/planner.js';
import { RunningAttempt } from './attempt.js';
import { completed } from './defaults.js';
import type { Deadline } from './deadline.js';
import type { Hedging } from './hedging.js';
import { Remaining } from './remaining.js';
import { Visit } from './visit.js';
import { isLimit, verdictOn, type Verdict } from './verdict.js';

/** A request and all that its way to an answer depends on. */
export interface Journey {
  /** As its client wrote it. */
  readonly asked: ChatRequest;
  readonly context: RequestContext;
  readonly plan: Plan;
  readonly deadline: Deadline;
  /** Where it may go once it was refused. */
  instead(step: Step, refusal: Refusal): readonly Step[];
}

/** Timers may be so early. */
const TIMER_MS = 2;

/** An attempt under way, and its visit to the upstream: the one that says something first is the answer. */
interface Contender {
  readonly step: Step;
  readonly attempt: RunningAttempt;
  readonly visit: Visit;
}

/**
 * Takes a request from step to step until one answers. Nothing of an attempt that fails before its first token
 * reaches the client; from the first token on, that attempt is the answer, its failure included (spec §5).
 */
export class Pursuit {
  readonly #remaining: Remaining;
  readonly #running = new Set<Contender>();
  readonly #refusals = new Set<Refusal>();
  readonly #isStream: boolean;
  #answering: Contender | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stepOut: (() => void) | undefined;
  /** The latest attempt, where nothing of it was sent. */
  #unsent: UpstreamAttempt | undefined;
  /** The failure that the client is told of where nothing better comes. */
  #error: unknown;

  constructor(
    private readonly journey: Journey,
    private readonly hedging: Hedging,
    private readonly answers: Subscriber<ChatAnswer>,
  ) {
    this.#isStream = journey.asked.stream === true;
    this.#remaining = new Remaining(journey.plan.steps, journey.context.attemptsAllowed ?? Infinity);
  }

  /** Goes to the next step, at once or when it is ready; gives up where there is none in time. */
  proceed(): void {
    clearTimeout(this.#timer);
    const now = performance.now();
    const next = this.#remaining.next(now, this.journey.deadline.startBy - TIMER_MS);
    if (next === undefined) return this.#giveUp();
    if (next.at <= now) return this.#enter(next.step);
    this.#timer = setTimeout(() => this.proceed(), next.at - now);
  }

  /** Nobody waits for the answer any more: what is under way ends, and what was not tried yet may still be asked for. */
  stop(): void {
    this.journey.context.attemptsLeft ??= this.#remaining.count;
    clearTimeout(this.#timer);
    this.#stepOut?.();
    for (const contender of this.#running) this.#leave(contender, null);
  }

  #enter(step: Step): void {
    let isDecided = false;
    const stepOut = step.upstream.gate.enter({
      until: this.journey.deadline.startBy,
      admitted: (place) => {
        isDecided = true;
        this.#launch(step, place);
      },
      refused: (error) => {
        isDecided = true;
        this.#failed(step, '', error);
      },
    });
    // What was decided at once may have led into the queue of another step, which is then the one to step out of.
    if (!isDecided) this.#stepOut = stepOut;
  }

  #launch(step: Step, place: Place): void {
    const { context, asked, deadline } = this.journey;
    const credential = step.upstream.choose(this.#remaining.refusedAt(step));
    if (credential === undefined) {
      place.leave();
      return this.#fail(this.#error ?? new InternalError(new Error('A step without a credential was taken.')), 0);
    }
    const visit = new Visit(step.upstream, credential, place);
    const { request, defaulted } = completed(asked, step.route);
    const { deployment, operation } = step;
    const attempt = new RunningAttempt({ deployment, credential: credential.secret, context, defaulted }, deadline);
    const contender = { step, attempt, visit };
    this.#forgetUnsent();
    this.#remaining.spend(step);
    this.#running.add(contender);
    if (this.#isStream) this.#hedgeLater(contender);
    attempt.start(operation, request, {
      next: (answer) => this.#next(contender, answer),
      completed: () => this.#completed(contender),
      failed: (error) => this.#attemptFailed(contender, error),
    });
  }

  #next(contender: Contender, answer: ChatCompletion | ChatFrame): void {
    if (this.#answering !== contender) this.#settleOn(contender);
    this.answers.next(answer);
  }

  /** The first to say something is the answer. */
  #settleOn(contender: Contender): void {
    const { context } = this.journey;
    this.#answering = contender;
    clearTimeout(this.#timer);
    for (const other of this.#running) if (other !== contender) this.#leave(other, 'hedge_lost');
    context.answering = contender.attempt.record;
    context.flow.attach(contender.attempt.flow);
    contender.visit.begun(contender.attempt.record, this.#isStream);
    if (this.#isStream) contender.attempt.begun();
  }

  #completed(contender: Contender): void {
    this.#running.delete(contender);
    contender.visit.completed(contender.attempt.record, this.#isStream);
    this.answers.complete();
  }

  #attemptFailed(contender: Contender, error: unknown): void {
    const { attempt, visit, step } = contender;
    this.#running.delete(contender);
    visit.failed(error, attempt.record, this.#isStream);
    if (this.#answering === contender) return this.answers.error(error);
    if (verdictOn(error) === 'skip') this.#unsent = attempt.record;
    this.#failed(step, visit.credential.id, error);
  }

  /** An attempt failed before anything had reached the client, or was not made. */
  #failed(step: Step, credentialId: string, error: unknown): void {
    const verdict = verdictOn(error);
    this.#note(error, verdict);
    // It is none of them where another one, that ran beside it, was refused and had all replaced.
    if (this.#remaining.has(step)) {
      this.#remaining.failed(step, {
        verdict,
        waitMs: error instanceof GatewayError ? error.retryAfterMs : undefined,
        isLimit: isLimit(error),
        credentialId,
        now: performance.now(),
      });
      if (verdict === 'final') return this.#fail(error, 0);
      const isRefusal = verdict === 'contextWindow' || verdict === 'contentPolicy';
      if (isRefusal && !this.#turnAside(step, verdict)) return this.#fail(error, 0);
    }
    if (this.#running.size === 0) this.proceed(); // else the other one may still answer
  }

  /** To the models that are there for such a refusal; false: there are none. One of those that refuses leaves the others. */
  #turnAside(step: Step, refusal: Refusal): boolean {
    if (this.#refusals.has(refusal)) return true;
    this.#refusals.add(refusal);
    const steps = this.journey.instead(step, refusal);
    if (steps.length > 0) this.#remaining.replace(steps);
    return steps.length > 0;
  }

  /** The last word is the client's answer; that a deployment was not even called says less than what another one said. */
  #note(error: unknown, verdict: Verdict): void {
    if (this.#error === undefined || verdict !== 'skip') this.#error = error;
  }

  /** What was never sent is no attempt, where another one was made instead. */
  #forgetUnsent(): void {
    if (this.#unsent === undefined) return;
    const { attempts } = this.journey.context;
    attempts.splice(attempts.indexOf(this.#unsent), 1);
    this.#unsent = undefined;
  }

  #giveUp(): void {
    const { deadline, context } = this.journey;
    const late = () => new UpstreamTimeoutError('total', Math.round(deadline.answerBy - context.startedAt));
    this.#fail(this.#error ?? late(), this.#remaining.count);
  }

  #fail(error: unknown, attemptsLeft: number): void {
    this.journey.context.attemptsLeft = attemptsLeft;
    for (const other of this.#running) this.#leave(other, null);
    this.answers.error(error);
  }

  #leave(contender: Contender, code: string | null): void {
    this.#running.delete(contender);
    contender.attempt.leave(code);
    contender.visit.abandoned();
  }

  /** Where the route allows it, a second deployment is started once the first is later than it nearly ever is. */
  #hedgeLater({ step }: Contender): void {
    const { hedge } = step.route;
    if (hedge === undefined || this.journey.context.attempts.length > 1) return;
    const wait = this.hedging.waitFor(step);
    if (wait === undefined) return;
    this.#timer = setTimeout(() => {
      const second = this.#remaining.beside(step, performance.now());
      if (second === undefined || !this.hedging.mayStart({ route: step.route, hedge }, second, this.journey.asked))
        return;
      this.#enter(second);
    }, wait);
  }
}
