import { All, Controller, Get, Headers, Param, Req } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { PriceBook } from '../catalog/price-book.js';
import { nearest } from '../domain/nearest.js';
import type { ServedModel } from '../catalog/served-model.js';
import { MethodNotAllowedError, ModelNotFoundError, UnauthorizedError } from '../domain/errors.js';
import { mayUse, type Principal } from '../domain/principal.js';
import type { RequestContext } from '../domain/request-context.js';
import { Context } from '../http/context.js';
import { anthropicModelObject, modelObject } from './model-object.js';
import { ServedModels } from './served-models.js';

const LIST = ['v1/models', 'models', 'openai/v1/models'];
/** The rest of the path, because ids have slashes and older clients send them as they are. */
const ONE = LIST.map((path) => `${path}/*id`);

/** What the calling key may use. Clients that say `anthropic-version` read Anthropic's shapes. */
@Controller()
export class ModelsController {
  constructor(
    private readonly models: ServedModels,
    private readonly prices: PriceBook,
  ) {}

  @Get(LIST)
  list(@Context() context: RequestContext, @Headers('anthropic-version') anthropicVersion?: string) {
    const models = this.#offeredTo(callerOf(context));
    if (anthropicVersion === undefined) {
      return { object: 'list', data: models.map((model) => this.#shown(model, context)) };
    }
    return {
      data: models.map(anthropicModelObject),
      has_more: false,
      first_id: models[0]?.id ?? null,
      last_id: models.at(-1)?.id ?? null,
    };
  }

  @Get(ONE)
  one(
    @Param('id') segments: string | readonly string[],
    @Context() context: RequestContext,
    @Headers('anthropic-version') anthropicVersion?: string,
  ) {
    const id = typeof segments === 'string' ? segments : segments.join('/');
    const principal = callerOf(context);
    const model = mayUse(principal, id) ? this.models.find(id) : undefined;
    if (model === undefined) {
      const names = this.#offeredTo(principal).map((offered) => offered.id);
      throw new ModelNotFoundError(id, nearest(id, names), 'model');
    }
    return anthropicVersion === undefined ? this.#shown(model, context) : anthropicModelObject(model);
  }

  @All([...LIST, ...ONE])
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['GET', 'HEAD']);
  }

  #shown(model: ServedModel, { receivedAt }: RequestContext) {
    const listed = model.sold && this.prices.find(model.sold, { at: receivedAt });
    return modelObject(model, listed?.price);
  }

  #offeredTo(principal: Principal): readonly ServedModel[] {
    return this.models.list().filter(({ id }) => mayUse(principal, id));
  }
}

function callerOf({ principal }: RequestContext): Principal {
  if (principal === undefined) throw new UnauthorizedError('You must provide an API key.', null);
  return principal;
}
