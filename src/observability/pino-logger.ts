import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { LogLevel } from '../config/config.js';

/** What Nest says of each module and route as it builds the application: ninety lines that nobody asked for. */
const BUILDING: readonly string[] = [
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
];

/** Nest's logging through pino: one JSON object a line, on standard output. */
export class PinoLogger implements LoggerService {
  readonly #pino: Logger;
  readonly log = this.#writer('info');
  readonly error = this.#writer('error');
  readonly warn = this.#writer('warn');
  readonly debug = this.#writer('debug');
  readonly verbose = this.#writer('trace');
  readonly fatal = this.#writer('fatal');

  constructor(level: LogLevel) {
    this.#pino = pino({
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    });
  }

  /** Nest passes the context last, and a stack before it where there is one. */
  #writer(level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal') {
    return (message: unknown, ...more: unknown[]): void => {
      const context = typeof more.at(-1) === 'string' ? (more.pop() as string) : undefined;
      if (level === 'info' && BUILDING.includes(context ?? '')) return;
      const fields =
        typeof message === 'object' && message !== null
          ? message instanceof Error
            ? { err: message }
            : message
          : { msg: String(message) };
      const details = more.filter((detail) => detail !== undefined && detail !== '');
      this.#pino[level]({ context, ...fields, ...(details.length > 0 && { details }) });
    };
  }
}
