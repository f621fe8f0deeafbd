import { Reflector } from '@nestjs/core';

/** Keeps a controller or handler for the admin key. */
export const Admin = Reflector.createDecorator<void, true>({ transform: () => true });
