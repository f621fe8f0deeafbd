import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { IncomingMessage } from 'node:http';
import { ForbiddenError, UnauthorizedError } from '../domain/errors.js';
import { contextOf } from '../http/context.js';
import { IsOperation } from '../http/operation.decorator.js';
import { AdminKey } from './admin-key.js';
import { Admin } from './admin.decorator.js';
import { KeyDirectory } from './directory/key-directory.js';
import type { KnownKey } from './directory/known-key.js';
import { presentedKey } from './presented-key.js';
import { Public } from './public.decorator.js';

/** Lets in who has a key, and tells the request's context who that is. Without waiting, where the key was seen lately. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly directory: KeyDirectory,
    private readonly adminKey: AdminKey,
  ) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const targets = [execution.getHandler(), execution.getClass()];
    if (this.reflector.getAllAndOverride(Public, targets)) return true;
    const request = execution.switchToHttp().getRequest<IncomingMessage>();
    if (this.reflector.getAllAndOverride(Admin, targets)) return this.#admitAdmin(request);
    contextOf(request).isOperation = this.reflector.get(IsOperation, execution.getHandler()) === true;
    const key = keyOf(request);
    const found = this.directory.find(key);
    if (found instanceof Promise) return found.then((known) => this.#admit(request, key, known));
    return this.#admit(request, key, found);
  }

  #admit(request: IncomingMessage, key: string, known: KnownKey | undefined): true {
    if (known === undefined) throw this.#stranger(key);
    const { principal, disabled, allowedAddresses, graceEndsAt } = known;
    // Before the refusals: the log of a refused request names the key, too.
    contextOf(request).principal = principal;
    if (graceEndsAt !== undefined && graceEndsAt <= Date.now()) {
      throw invalidKey('This API key has been replaced by a new one, and its time is over.');
    }
    if (disabled) throw invalidKey('This API key has been disabled.');
    if (typeof principal.expiresAt === 'number' && principal.expiresAt <= Date.now()) {
      throw invalidKey('This API key has expired.');
    }
    if (allowedAddresses?.has(request.socket.remoteAddress) === false) {
      throw new ForbiddenError('This API key may not be used from your IP address.', {
        status: 401,
        code: 'ip_not_authorized',
      });
    }
    return true;
  }

  #admitAdmin(request: IncomingMessage): true {
    if (!this.adminKey.isSet) {
      throw new ForbiddenError(
        'The admin API is closed: no admin key is set. Set PARLEY_ADMIN_KEY (16 characters or more) and start again.',
      );
    }
    if (!this.adminKey.matches(keyOf(request))) {
      throw invalidKey('Incorrect API key provided. The admin API is opened by the admin key alone.');
    }
    return true;
  }

  #stranger(key: string): UnauthorizedError {
    return this.adminKey.matches(key)
      ? invalidKey('The admin key opens /admin and nothing else. Make an API key with POST /admin/keys.')
      : invalidKey('Incorrect API key provided. Ask whoever runs this gateway for a key.');
  }
}

/** The message never repeats the key: it goes to logs and screens. */
const invalidKey = (message: string): UnauthorizedError => new UnauthorizedError(message, 'invalid_api_key');

function keyOf({ headers }: IncomingMessage): string {
  const key = presentedKey(headers);
  if (key !== undefined) return key;
  throw new UnauthorizedError(
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
      '(i.e. Authorization: Bearer YOUR_KEY), or in the header x-api-key or api-key.',
    null,
  );
}
