// What the service answers (docs: /openapi.json), as far as the page reads it. Only the type checker
// reads this file.

export interface Limits {
  max_upload: number;
  max_image: number;
  max_files: number;
  /** Labelled images that each class needs for a training. */
  min_images: number;
  min_classes: number;
}

export interface Session {
  scope: "admin" | "train" | "predict";
  name: string;
  csrf: string | null;
  version: string;
  public_url: string | null;
  limits: Limits;
}

export interface ProjectClass {
  id: string;
  name: string;
  images: number;
}

export interface Project {
  id: string;
  name: string;
  created: string;
  /** Seconds of a training. */
  budget: number;
  images: number;
  labelled: number;
  unlabelled: number;
  classes: ProjectClass[];
  /** The version that answers predictions. */
  model: Version | null;
  /** The newest training. */
  job: Job | null;
  /** Why no training can start, in a sentence. */
  missing: string | null;
}

export interface StoredImage {
  id: string;
  name: string;
  width: number;
  height: number;
  size: number;
  label: string | null;
  suggestion: { label: string; probability: number } | null;
  usefulness: number | null;
  problem: string | null;
  created: string;
  thumbnail: string;
  original: string;
}

export interface Listing {
  images: StoredImage[];
  next: string | null;
  total: number;
}

export interface UploadResult {
  added: number;
  known: number;
  images: StoredImage[];
  classes: string[];
  refused: { name: string; error: string }[];
  left_out: string[];
  notes: string[];
}

export interface Scores {
  accuracy: number;
  low: number;
  high: number;
  protocol: string;
  held_out: number;
}

export interface Version {
  id: string;
  version: number;
  state: "training" | "ready" | "failed" | "deleted";
  promoted: boolean;
  recipe: string | null;
  classes: string[];
  examples: number;
  scores: Scores | null;
  size: number;
  created: string;
  finished: string | null;
}

export interface Comparison {
  sentence: string;
  common: number;
}

export interface Progress {
  phase?: string;
  fold?: number;
  folds?: number;
  recipe?: string;
  accuracy?: number;
  epoch?: number;
  epochs?: number;
  train_accuracy?: number;
  val_accuracy?: number;
  seconds_left?: number;
}

export interface Job {
  id: string;
  state: "queued" | "running" | "succeeded" | "failed" | "cancelled";
  cancel: boolean;
  version: number;
  progress: Progress;
  error: string | null;
}

export interface PreparationStep {
  description: string;
  width: number;
  height: number;
  image: string;
}

export interface Answer {
  name: string;
  label: string;
  probability: number;
  top: { label: string; probability: number }[];
  abstain: boolean | null;
  reason: string | null;
  warnings: string[];
  steps: PreparationStep[];
}

/** A photo that cannot be classified. */
export interface Failure {
  name: string;
  error: string;
}

export interface ApiKey {
  id: string;
  name: string;
  scope: string;
  prefix: string;
  created: string;
  last_used: string | null;
  revoked: string | null;
}

export interface Storage {
  images: number;
  image_bytes: number;
  model_bytes: number;
  limit: number;
}

export interface AuditEntry {
  id: number;
  time: string;
  action: string;
  target: string;
  address: string;
}

/** What a screen is shown with. */
export interface Context {
  session: Session;
  /** The parts of the address after the screen's name. */
  path: string[];
  /** Aborted when another screen is shown. */
  signal: AbortSignal;
}

export interface Screen {
  title: string;
  /** Where it is not the title. */
  heading?: string;
  node: Node;
  /** Called once the screen is on the page. */
  shown?: () => void;
}

/** What a screen of a project is shown with. */
export interface ProjectContext extends Context {
  project: Project;
  /** Read the project again and draw what all its screens have. */
  refresh: () => Promise<Project>;
}
