import { Reflector } from '@nestjs/core';

/** Opens a controller or handler to everyone: no key is asked for. */
export const Public = Reflector.createDecorator<void, true>({ transform: () => true });
