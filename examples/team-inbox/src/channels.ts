import { channelPattern } from 'keepwire';

/** Who of an organisation is there. Everybody of it may listen. */
export const orgChannel = channelPattern('org:{org}');

/** What is said in one conversation: for the agents, and for its customer. */
export const conversationChannel = channelPattern('org:{org}:conversation:{id}');

/** What is for one user alone, on whichever page. */
export const userChannel = channelPattern('org:{org}:user:{id}');
