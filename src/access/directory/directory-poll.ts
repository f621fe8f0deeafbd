import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { TeamDirectory } from '../teams/team-directory.js';
import { TeamStore } from '../teams/team.store.js';
import { VirtualKeyStore } from '../virtual-key.store.js';
import { KeyDirectory } from './key-directory.js';
import { inTime } from './store-state.js';

/** What is changed on one replica holds on all within a second: this, and the time two short queries take. */
const POLL_MS = 400;
/**
 * How far a poll looks back beyond the one before. A change has its time before others can see it; and where the
 * database cannot lend its clock, those of the replicas may differ by some seconds.
 */
const OVERLAP_MS = 30_000;
/** Deleted rows stay for as long as a replica may need to hear of them, which is until it is back from an outage. */
const KEPT_MS = 3_600_000;
const PURGE_MS = 600_000;

/** When a poll began: by the clock that never jumps, and by the one that goes on while the machine sleeps. */
interface Moment {
  readonly steady: number;
  readonly wall: number;
}

/** Asks the stores, again and again, what was changed; this is how a replica hears of what others did. */
@Injectable()
export class DirectoryPoll implements OnModuleInit, OnModuleDestroy {
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  /** Which version of each key the poll before brought. */
  #seen: ReadonlyMap<string, number> = new Map();
  #last = thisMoment();
  #hasTeams = false;
  #purgeAt = performance.now() + PURGE_MS / 10;

  constructor(
    private readonly keys: VirtualKeyStore,
    private readonly teams: TeamStore,
    private readonly keyDirectory: KeyDirectory,
    private readonly teamDirectory: TeamDirectory,
  ) {}

  /** Waits a moment for the first answer, and not for a store that is away. */
  async onModuleInit(): Promise<void> {
    await inTime(this.#poll()).catch(() => undefined);
  }

  onModuleDestroy(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Never rejects, and has the next one begin when it is due, or as soon as this one is over. */
  async #poll(): Promise<void> {
    const began = thisMoment();
    this.keyDirectory.pollBegins(began.steady);
    const news = this.#takeNews(began);
    try {
      // One that is silent has failed, too; but there is no second question while it may still answer the first.
      await inTime(news).catch((error: unknown) => {
        this.#noteFailure(error);
        return news;
      });
      this.keyDirectory.pollEnded(began.steady);
    } catch (error) {
      this.keyDirectory.pollEnded(undefined);
      this.#noteFailure(error);
    }
    if (this.#isStopped) return;
    const rest = POLL_MS - (performance.now() - began.steady);
    this.#timer = setTimeout(() => void this.#poll(), Math.max(rest, 0)).unref();
  }

  async #takeNews(began: Moment): Promise<void> {
    const gap = Math.max(began.steady - this.#last.steady, began.wall - this.#last.wall);
    const reach = gap + OVERLAP_MS;
    // What was deleted so long ago may be gone for good: then nothing that is remembered holds any more.
    const fromScratch = !this.#hasTeams || reach > KEPT_MS;
    const teams = await this.teams.changed(fromScratch ? Infinity : reach);
    const keys = await this.keys.changed(reach);
    this.keyDirectory.state.noteSuccess();
    if (fromScratch) this.teamDirectory.replace(teams);
    else this.teamDirectory.apply(teams);
    if (reach > KEPT_MS) this.keyDirectory.forgetAll();
    this.keyDirectory.apply(keys.filter(({ id, version }) => this.#seen.get(id) !== version));
    this.#seen = new Map(keys.map(({ id, version }) => [id, version]));
    this.#last = began;
    this.#hasTeams = true;
    await this.#purge();
  }

  async #purge(): Promise<void> {
    if (performance.now() < this.#purgeAt) return;
    this.#purgeAt = performance.now() + PURGE_MS;
    await this.keys.purge(KEPT_MS);
    await this.teams.purge(KEPT_MS);
  }

  /** A store that is closed at the end of the process has not failed. */
  #noteFailure(error: unknown): void {
    if (!this.#isStopped) this.keyDirectory.state.noteFailure(error);
  }
}

const thisMoment = (): Moment => ({ steady: performance.now(), wall: Date.now() });
