import { Injectable } from '@nestjs/common';
import type { RefusedRequest } from '../http/refusal-account.js';
import { RefusalAccount } from '../http/refusal-account.js';
import { asked } from './asked.js';
import { RequestAccounts } from './request-accounts.js';

/** Makes the usage record of a request that a guard refused, as far as it was read. */
@Injectable()
export class RefusalRecorder extends RefusalAccount {
  constructor(private readonly accounts: RequestAccounts) {
    super();
  }

  refused({ request, context, error }: RefusedRequest, then: () => void): void {
    const ending = {
      ...asked(request),
      outcome: 'refused',
      error,
      promptSize: () => 0,
      openedAt: undefined,
      endedAt: performance.now(),
    } as const;
    this.accounts.close(context, ending, then);
  }
}
