import { testSystem } from './run.ts';
import { system } from './sse-chat.ts';

testSystem(system);
