export const tauriBackend = null as never;
