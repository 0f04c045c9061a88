import { createRealtime } from 'keepwire';
import { websocket } from 'keepwire/websocket';

postMessage([typeof createRealtime, typeof websocket]);
