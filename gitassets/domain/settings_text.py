"""The text of gitassets.yaml that `init` writes: every setting with its default. The settings adapter reads it."""

SETTINGS_NAME = "gitassets.yaml"

DEFAULT_TEXT = """\
# Settings of gitassets for this project. Everything here may be left out: the values below are the defaults.
# No passwords or keys belong here: they come from the environment.

# Where the folders of the runs lie, relative to this file.
runs_dir: runs

# What makes assets when `produce` is called without --live. local: a neural English voice that works offline.
# card: a typographic still of the paragraph. A video of kenburns animates the segment's image; empty: no clips.
# `gitassets providers` lists all there are.
providers:
  audio: local
  image: card
  video:

# What makes assets with --live: services, which cost money and need keys. An empty video: no clips.
live:
  audio: elevenlabs
  image: openai
  video: luma

budget:
  # Share of the segments that get a picture of their own: micro 0, low 10 %, medium 27 %, high 55 %, full 100 %. Empty:
  # full where pictures are free, medium with --live and for scripts of claude-studio.
  tier:
  # A command that will cost more US dollars than this asks first; where nobody can answer it wants --yes or --max-cost.
  confirm_usd: 1
  # What one run may cost at most, in US dollars, with all its takes and whatever was charged for nothing. The call that
  # would pass it is not made. Empty: no limit.
  run_usd: 25

# Voice of the narration and style of the pictures; empty: the provider's own.
voice:
style:

# What becomes of code in a script, besides being shown on cards: spoken, skipped, or caption (not spoken, but shown in
# the captions). It holds for new runs.
code: skipped
# How words are spoken, for every voice; captions show them as written. Such as: {gitassets: git assets, SQL: sequel}
say: {}
# Language of the narration, which the video names: en, pt-BR, deu, … Empty: that of the offline voice, else none.
language:

# The look of videos: transitions, pauses, camera, title cards, lower thirds, logo, fonts, colours. A name (`gitassets
# styles --looks` lists them; your own lie in looks/NAME.yaml), or values, such as {base: clean, camera: pan}. Empty:
# pictures follow each other by cuts without a pause, and nothing is drawn over them.
look:

build:
  # Width x height in pixels, both even: 1920x1080, 1080x1920, 1080x1080, …
  size: 1920x1080
  # Frames a second: 30, 25, 24000/1001, …
  fps: 30
  # Whether the clips' own sound is heard under the narration.
  keep_video_sound: false
  # Loudness that every segment's narration is brought to (EBU R128, LUFS).
  loudness_lufs: -16
  # Captions: file (.srt, .vtt and a text track in the mp4), burn (in the picture), words (in the picture, with the
  # spoken word marked) or none.
  captions: file
  # How much of the disk rendered segments may take, in gigabytes.
  render_cache_gb: 5

# The services. Their keys come from the environment (OPENAI_API_KEY, ELEVENLABS_API_KEY, LUMA_API_KEY, RUNWAY_API_KEY,
# FAL_KEY) or from the system's keyring. Prices are what costs are counted with: keep them as your contracts say.
services:
  elevenlabs:
    base_url: https://api.elevenlabs.io
    model: eleven_multilingual_v2
    # A voice of your account: its name, or its id. Empty: you choose when the first narration is bought.
    voice:
    # Names of your own for the ids of voices.
    voices: {}
    # From 0.7 to 1.2. A language_code (en, de, …) is for models such as eleven_flash_v2_5.
    speed: 1.0
    language_code:
    # Empty: what ElevenLabs asks for the model and the voice.
    usd_per_1000_chars:
  openai:
    base_url: https://api.openai.com
    images:
      model: gpt-image-2
      # auto: the size of the video, as close as the model draws it.
      size: auto
      quality: medium
      # What a picture is estimated to cost, such as {medium: 0.04}. Empty: by the model, the quality and the size.
      usd_per_image:
  # A server that speaks as OpenAI's speech did (which ends on 2027-01-06), such as one of Kokoro on this computer.
  openai-compatible:
    base_url: http://127.0.0.1:8880
    model: kokoro
    voice:
    # The voices that may be asked for, as the server writes them; empty: any.
    voices: []
    # Empty: free if the server is on this computer, else nothing is bought. Or usd_per_million_chars.
    usd_per_1000_chars:
  wikimedia:
    # Wikimedia asks for an address at which you can be reached: your mail address, or a page of yours.
    contact: ""
  luma:
    base_url: https://agents.lumalabs.ai
    model: ray-3.2
    # 540p, 720p or 1080p: $0.15, $0.30 or $1.20 for five seconds, three times as much for ten.
    resolution: 720p
    # Whether a segment without an image may have a clip, which is then made from words alone.
    from_words: false
  runway:
    base_url: https://api.dev.runwayml.com
    # gen4_turbo, gen4.5, veo3.1, …: lengths, ratios and prices follow the model.
    model: gen4_turbo
    # What a second costs, for a model whose price gitassets does not know.
    usd_per_second:
    usd_per_credit: 0.01
  fal:
    base_url: https://queue.fal.run
    # Any model of fal. An unknown one needs its input and a price (usd): see docs/providers/fal.md.
    image:
      model: fal-ai/flux/dev
    video:
      model: fal-ai/kling-video/v2.5-turbo/pro/image-to-video
    audio:
      model: fal-ai/kokoro/american-english
  comfyui:
    # A ComfyUI of your own, which costs nothing. `image` and `video` name a workflow inside the project, such as
    # image: {workflow: flow.json, inputs: {prompt: 6.text, seed: 3.seed}}
    base_url: http://127.0.0.1:8188
"""


def with_look(text: str, look: str) -> str:
    """Return the text of settings without a look with this one."""
    return text.replace("\nlook:\n", f"\nlook: {look}\n") if look else text
