-- For Ardour's luasession: records the dummy device's noise on a stereo track, and inserts the plugin behind it.
local folder = os.getenv("NOVASR_ARDOUR_SESSION")

local backend = AudioEngine:set_backend("None (Dummy)", "novasr", "")
backend:set_device_name("Uniform White Noise")
backend:set_driver("Normal Speed")
backend:set_sample_rate(48000)

local session = create_session(folder, "session", 48000)
assert(session, "no session")
local tracks = session:new_audio_track(
  2, 2, nil, 1, "noise", ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true)
local track = tracks:front()
track:rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
session:maybe_enable_record(true)
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(2000000)
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
ARDOUR.LuaAPI.usleep(500000)
track:rec_enable_control():set_value(0, PBD.GroupControlDisposition.NoGroup)

local plugin = ARDOUR.LuaAPI.new_plugin(session, "NovaSR", ARDOUR.PluginType.VST3, "")
assert(not plugin:isnil(), "no plugin")
track:add_processor_by_index(plugin, 0, nil, true)
ARDOUR.LuaAPI.usleep(500000) -- until the plugin is at work
print("latency " .. track:signal_latency())

session:save_state("")
close_session()
quit()
