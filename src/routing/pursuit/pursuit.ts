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
import { Turn } from './turn.js';
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

/** An attempt that runs, and its turn at the upstream. */
interface Run {
  readonly step: Step;
  readonly attempt: RunningAttempt;
  readonly turn: Turn;
}

/**
 * Takes a request from step to step until one answers. Nothing of an attempt that fails before its first token
 * reaches the client; from the first token on, that attempt is the answer, its failure included (spec §5).
 */
export class Pursuit {
  readonly #remaining: Remaining;
  readonly #running = new Set<Run>();
  readonly #refusals = new Set<Refusal>();
  readonly #isStream: boolean;
  #answering: Run | undefined;
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
    const next = this.#remaining.next(now, this.journey.deadline.answerBy - TIMER_MS);
    if (next === undefined) return this.#giveUp();
    if (next.at <= now) return this.#enter(next.step);
    this.#timer = setTimeout(() => this.proceed(), next.at - now);
  }

  /** The client left: whatever is under way for it ends, and what was not tried yet it may still ask for. */
  stop(): void {
    this.journey.context.attemptsLeft ??= this.#remaining.count;
    clearTimeout(this.#timer);
    this.#stepOut?.();
    for (const run of this.#running) this.#leave(run, null);
  }

  #enter(step: Step): void {
    let isDecided = false;
    const stepOut = step.upstream.gate.enter({
      until: this.journey.deadline.answerBy,
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
    const turn = new Turn(step.upstream, credential, place);
    const { request, defaulted } = completed(asked, step.route);
    const { deployment, operation } = step;
    const attempt = new RunningAttempt({ deployment, credential: credential.secret, context, defaulted }, deadline);
    const run = { step, attempt, turn };
    this.#forgetUnsent();
    this.#remaining.spend(step);
    this.#running.add(run);
    if (this.#isStream) this.#hedgeLater(run);
    attempt.start(operation, request, {
      next: (answer) => this.#next(run, answer),
      completed: () => this.#completed(run),
      failed: (error) => this.#attemptFailed(run, error),
    });
  }

  #next(run: Run, answer: ChatCompletion | ChatFrame): void {
    if (this.#answering !== run) this.#settleOn(run);
    this.answers.next(answer);
  }

  /** The first to say something is the answer. */
  #settleOn(run: Run): void {
    const { context } = this.journey;
    this.#answering = run;
    clearTimeout(this.#timer);
    for (const other of this.#running) if (other !== run) this.#leave(other, 'hedge_lost');
    context.answering = run.attempt.record;
    context.flow.attach(run.attempt.flow);
    run.turn.begun(run.attempt.record, this.#isStream);
    if (this.#isStream) run.attempt.begun();
  }

  #completed(run: Run): void {
    this.#running.delete(run);
    run.turn.completed(run.attempt.record, this.#isStream);
    this.answers.complete();
  }

  #attemptFailed(run: Run, error: unknown): void {
    const { attempt, turn, step } = run;
    this.#running.delete(run);
    turn.failed(error, attempt.record, this.#isStream);
    if (this.#answering === run) return this.answers.error(error);
    if (verdictOn(error) === 'skip') this.#unsent = attempt.record;
    this.#failed(step, turn.credential.id, error);
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

  /** To the models that are there for such a refusal; false: there are none. Whoever of those refuses too leaves the others. */
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

  #leave(run: Run, code: string | null): void {
    this.#running.delete(run);
    run.attempt.leave(code);
    run.turn.abandoned();
  }

  /** Where the route allows it, a second deployment is started once the first is later than it nearly ever is. */
  #hedgeLater({ step }: Run): void {
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
