/** A token that must be seen nowhere but where it belongs. */
export const canary = 'SECRET-CANARY';
