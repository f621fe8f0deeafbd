import { All, Body, Controller, Param, Post, Req, Res } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Observable } from 'rxjs';
import type { ChatRequest } from '../domain/chat.js';
import type { ChatAnswer } from '../domain/chat-answer.js';
import { MethodNotAllowedError } from '../domain/errors.js';
import { withFields } from '../domain/json-source.js';
import { contextOf } from '../http/context.js';
import { Operation } from '../http/operation.decorator.js';
import { UsageInterceptor } from '../usage/usage.interceptor.js';
import { ChatFieldsDto, ChatRequestDto } from './chat.dto.js';
import { ChatService } from './chat.service.js';

/** Clients with other base URLs: none, LiteLLM's, and Azure's with its version. */
const PATHS = ['v1/chat/completions', 'chat/completions', 'openai/v1/chat/completions'];
/** Azure's classic form: the deployment in the path is the model, with its slashes as they are or escaped. */
const AZURE_PATH = 'openai/deployments/*model/chat/completions';

@Controller()
export class ChatController {
  constructor(private readonly chat: ChatService) {}

  @Post(PATHS)
  @Operation(UsageInterceptor)
  create(
    @Body() body: ChatRequestDto,
    @Req() request: IncomingMessage,
    @Res() _claimed: ServerResponse,
  ): Observable<ChatAnswer> {
    return this.chat.create(body as ChatRequestDto & ChatRequest, contextOf(request));
  }

  @Post(AZURE_PATH)
  @Operation(UsageInterceptor)
  createAtDeployment(
    @Param('model') segments: string | readonly string[],
    @Body() body: ChatFieldsDto,
    @Req() request: IncomingMessage,
    @Res() _claimed: ServerResponse,
  ): Observable<ChatAnswer> {
    const model = typeof segments === 'string' ? segments : segments.join('/');
    return this.chat.create(
      withFields(body as ChatFieldsDto & ChatRequest, new Map([['model', model]])) as ChatRequest,
      contextOf(request),
    );
  }

  @All([...PATHS, AZURE_PATH])
  refuse(@Req() { method = '' }: IncomingMessage): never {
    throw new MethodNotAllowedError(method, ['POST']);
  }
}
