// The few names of ONNX Runtime Web that a page uses.

export const env: {
  logLevel: string;
  wasm: { wasmBinary: ArrayBuffer; numThreads: number };
};

export class Tensor {
  constructor(type: "uint8", data: Uint8Array, shape: number[]);
  data: Float32Array;
}

export class InferenceSession {
  static create(
    model: Uint8Array,
    options: { executionProviders: string[] },
  ): Promise<InferenceSession>;
  run(feeds: Record<string, Tensor>, outputs: string[]): Promise<Record<string, Tensor>>;
}
